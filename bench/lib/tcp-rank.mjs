// One of two processes that send each other so many bytes over one TCP connection, read into place, and do nothing else: what
// Node can move at best. Answers the questions of allreduce-rank.mjs.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { servePeer } from './peer-process.mjs';
import { timeSteps } from './step-timer.mjs';

const HOST = '127.0.0.1';
const PIECE_BYTES = 256 * 1024;

let inbox = Buffer.alloc(1);
let outbox = inbox;
let received = 0;
let whole = () => undefined;
const onread = {
  buffer: () => inbox.subarray(received),
  callback(bytes) {
    // Node asks for the next buffer ahead of time, so this one may be that of an earlier, longer size.
    for (received += bytes; received >= inbox.length; received -= inbox.length) whole();
    return true;
  },
};

const server = createServer({ noDelay: true });
// The other rank may come before this one is asked to join.
const guest = once(server, 'connection');
server.listen(0, HOST);
await once(server, 'listening');
let outlet;
let inlet;

// Two connections, one for each direction: only the connecting side of Node reads into a buffer of its own.
async function join({ rank, ports, ask: { length } }) {
  [inbox, outbox] = [Buffer.alloc(4 * length), Buffer.alloc(4 * length, 1)];
  if (inlet !== undefined) return {};
  inlet = connect({ host: HOST, port: ports[1 - rank], noDelay: true, onread });
  [outlet] = await guest;
  return {};
}

async function send() {
  for (let at = 0; at < outbox.length; at += PIECE_BYTES)
    await new Promise((resolve) => outlet.write(outbox.subarray(at, at + PIECE_BYTES), resolve));
}

// A peer that has all may begin the next step: what it sends then is counted when this rank is there too.
let ahead = 0;
whole = () => ahead++;
async function exchange() {
  await send();
  while (ahead === 0) await new Promise((resolve) => (whole = () => (ahead++, resolve())));
  ahead--;
  whole = () => ahead++;
}

await servePeer((question) => {
  if (question.kind === 'listen') return { port: server.address().port };
  return question.kind === 'join' ? join(question) : timeSteps(question.count, exchange);
});
inlet?.destroy();
outlet?.destroy();
server.close();
