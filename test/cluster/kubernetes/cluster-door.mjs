// What a test and the pods need inside of the network namespace of a cluster: DNS for services, as far as Facet uses it, and a
// door for HTTP requests, which come in at a Unix socket because a namespace does not hold those back.
//
//   node cluster-door.mjs DNS-ADDRESS FOLDER      FOLDER has the API server's certificates; the socket is FOLDER/door.sock

import dgram from 'node:dgram';
import { readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const REFRESH_MS = 300;
const ANSWER_SECONDS = 1;

const [address, folder] = process.argv.slice(2);
const read = (name) => readFileSync(`${folder}/${name}`);
const server = { host: '127.0.0.1', port: 6443, ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') };

let names = new Map();
setInterval(() => void refresh().catch(() => undefined), REFRESH_MS);
openDns();
openDoor();

/** Names of headless services and of their pods with a host name, from the API server. */
async function refresh() {
  const [services, endpoints] = await Promise.all([ask('/api/v1/services'), ask('/api/v1/endpoints')]);
  const subsets = new Map(endpoints.items.map(({ metadata, subsets: of = [] }) => [idOf(metadata), of]));
  const next = new Map();
  const add = (name, ip) => next.set(name, [...(next.get(name) ?? []), ip]);
  for (const { metadata, spec } of services.items) {
    const base = `${metadata.name}.${metadata.namespace}.svc.cluster.local`;
    for (const { addresses = [], notReadyAddresses = [] } of subsets.get(idOf(metadata)) ?? []) {
      for (const { ip, hostname } of [...addresses, ...(spec.publishNotReadyAddresses ? notReadyAddresses : [])]) {
        add(base, ip);
        add(`${hostname ?? ip.replaceAll('.', '-')}.${base}`, ip);
      }
    }
  }
  names = next;
}

function idOf({ namespace, name }) {
  return `${namespace}/${name}`;
}

function ask(path) {
  return new Promise((resolve, reject) => {
    https
      .get({ ...server, path }, (response) => {
        let text = '';
        response.on('data', (piece) => (text += piece)).on('end', () => resolve(JSON.parse(text)));
      })
      .on('error', reject);
  });
}

/** A queries only (RFC 1035): a header of 12 bytes, the name, type and class. */
function openDns() {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (query, peer) => {
    const labels = [];
    let at = 12;
    for (; query[at] > 0; at += query[at] + 1) labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
    const found = names.get(labels.join('.').toLowerCase());
    const isForAddress = query.readUInt16BE(at + 1) === 1;
    const ips = isForAddress ? (found ?? []) : [];
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8580 | (found === undefined ? 3 : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(ips.length, 6);
    header.writeUInt32BE(0, 8);
    const answers = ips.map((ip) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, ANSWER_SECONDS, 0, 4, ...ip.split('.').map(Number)]),
    );
    socket.send(Buffer.concat([header, query.subarray(12, at + 5), ...answers]), peer.port, peer.address);
  });
  socket.bind(53, address);
}

/** GET /HOST:PORT/PATH is a request to HOST:PORT. */
function openDoor() {
  const socketPath = `${folder}/door.sock`;
  rmSync(socketPath, { force: true });
  http
    .createServer((request, response) => {
      const [, host, port, path] = /^\/([^/:]+):(\d+)(\/.*)$/.exec(request.url) ?? [];
      const fail = (error) => response.writeHead(502).end(String(error));
      http
        .get({ host, port, path, timeout: 2000 }, (answer) => {
          response.writeHead(answer.statusCode);
          answer.pipe(response);
        })
        .on('timeout', function () {
          this.destroy(new Error('no answer'));
        })
        .on('error', fail);
    })
    .listen(socketPath);
}
