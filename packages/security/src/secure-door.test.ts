/** Every way in which a connection is refused, on a real port, from both sides. */
import { once } from 'node:events';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { initPki, type Pki } from './authority/pki-folder.js';
import { certificateFacts } from './certificate-facts.js';
import { explainFailure } from './explain-failure.js';
import { secureConnection } from './secure-connection.js';
import { createDoor, type Door, type RefusedConnection } from './secure-door.js';
import { TlsIdentity, type TlsMaterial } from './tls-identity.js';

let folder: string;
let pki: Pki;
let door: Door;
let refused: RefusedConnection[];
let inside: Socket[];
const at = (...parts: string[]): string => join(folder, ...parts);
const roles = ['coordinator'] as const;

/** A folder whose certificate its own process would not take; the other side has to refuse it. */
function unchecked(name: string): TlsIdentity {
  const read = (...file: string[]): string => readFileSync(at(...file), 'utf8');
  const files = { ca: [read('pki', 'ca.crt')], cert: read(name, 'tls.crt'), key: read(name, 'tls.key') };
  const own = certificateFacts(new X509Certificate(files.cert));
  const material: TlsMaterial = { files, own, context: createSecureContext({ ...files, minVersion: 'TLSv1.3' }) };
  return { folder: at(name), current: () => material, watch: () => () => undefined } as unknown as TlsIdentity;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facet-door-'));
  pki = await initPki(at('pki'), { name: 'test', days: 30 });
  const hosts = ['127.0.0.1', 'localhost'];
  const past = new Date(Date.now() - 9e8);
  const future = new Date(Date.now() + 9e7);
  for (const role of ['coordinator', 'worker', 'status'] as const) {
    const grants = [{ role }];
    await pki.issue({ grants, hosts, days: 9 }, at(role));
    await pki.issue({ grants, hosts, days: -1, notBefore: past }, at(`${role}-expired`));
    await pki.issue({ grants, hosts, days: 9, notBefore: future }, at(`${role}-early`));
    await pki.issue({ grants, hosts: ['other.example', '*.lan'], days: 9 }, at(`${role}-elsewhere`));
    const { serial } = await pki.issue({ grants, hosts, days: 9 }, at(`${role}-revoked`));
    await pki.revoke([serial]);
    const stranger = await initPki(at(`stranger-${role}`), { name: 'stranger', days: 30 });
    await stranger.issue({ grants, hosts, days: 9 }, at(`${role}-stranger`));
  }
  const twin = await initPki(at('twin-pki'), { name: 'test', days: 30 });
  await twin.issue({ grants: [{ role: 'worker' }], hosts, days: 9 }, at('worker-twin'));
  await pki.issue({ grants: [], hosts, days: 9 }, at('none'));
  for (const name of ['coordinator', 'worker']) copyFileSync(at('pki', 'ca.crl'), at(name, 'ca.crl'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function openDoor(tls: TlsIdentity | undefined): Promise<string> {
  refused = [];
  inside = [];
  door = createDoor({
    tls,
    admits: ['worker'],
    enter: () => true,
    onConnection: (socket) => {
      inside.push(socket);
      socket.on('data', (bytes) => socket.write(bytes));
    },
    onRefused: (refusal) => {
      refused.push(refusal);
    },
  });
  door.server.listen(0, '127.0.0.1');
  await once(door.server, 'listening');
  return `127.0.0.1:${(door.server.address() as AddressInfo).port}`;
}

afterEach(() => {
  for (const socket of inside) socket.destroy();
  door.close();
});

const coordinator = (): TlsIdentity => new TlsIdentity(at('coordinator'), { roles });
const worker = (): TlsIdentity => new TlsIdentity(at('worker'), { roles: ['worker'] });

/** Sends a text through a connection of an identity, and gives back what comes: nothing where it is hung up on. */
async function echoThrough(address: string, tls: TlsIdentity): Promise<string> {
  const port = Number(address.split(':')[1]);
  const socket = connectTls({ host: '127.0.0.1', port, ...secureConnection({ tls, host: '127.0.0.1', roles }) });
  let received = '';
  const closed = once(socket, 'close');
  socket.on('error', () => undefined).on('secureConnect', () => socket.write('hello'));
  socket.on('data', (bytes: Buffer) => {
    received += bytes.toString();
    socket.end();
  });
  await closed.catch(() => undefined);
  return received;
}

describe('a client that is refused', () => {
  test.each([
    ['worker-stranger', /its certificate CN=worker is signed by CN=stranger, which is not the authority in ca\.crt/],
    [
      'worker-twin',
      /its certificate CN=worker is signed by CN=test, .*; issue it with the (same one|authority in ca\.crt)/,
    ],
    ['worker-expired', /its certificate CN=worker expired on .*; renew it with `facet certs renew`/],
    ['worker-early', /its certificate CN=worker is valid from .* on; check the clocks/],
    ['worker-revoked', /its certificate CN=worker was revoked; issue another one/],
    ['status', /its certificate CN=status is for the role status, expected worker; issue one with/],
    ['none', /its certificate CN= ?grants no role of Facet, expected worker/],
  ])('%s', async (name, message) => {
    const address = await openDoor(coordinator());
    const said = await explainFailure({ address, roles, tls: unchecked(name) });
    expect(said).toMatch(message);
    expect(said).toMatch(/^it refuses this process: /);
    expect(refused).toHaveLength(1);
    expect(refused[0]).toMatchObject({ address: expect.stringMatching(/^127\.0\.0\.1:\d+$/), untold: 0 });
    expect(refused[0]!.reason).toMatch(message);
    expect(await echoThrough(address, unchecked(name))).toBe('');
    expect(inside).toEqual([]);
    expect(await echoThrough(address, worker())).toBe('hello');
  });

  it('without a certificate', async () => {
    const address = await openDoor(coordinator());
    const port = Number(address.split(':')[1]);
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
    socket.on('error', () => undefined);
    await once(socket, 'close');
    expect(refused[0]!.reason).toMatch(/it shows no certificate, expected one for the role worker; .* --tls/);
    expect(await explainFailure({ address, roles, tls: undefined })).toMatch(
      /it speaks TLS, and this side does not; name/,
    );
    expect(inside).toEqual([]);
  });

  it('in plain text, or in an old TLS', async () => {
    const address = await openDoor(coordinator());
    const port = Number(address.split(':')[1]);
    const plain = connect({ host: '127.0.0.1', port }).on('error', () => undefined);
    plain.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    plain.resume();
    await once(plain, 'close');
    expect(refused[0]!.reason).toMatch(/it speaks no TLS, and this port speaks nothing else; .* --tls/);
  });

  it('with TLS 1.2', async () => {
    const address = await openDoor(coordinator());
    const port = Number(address.split(':')[1]);
    const { cert, key } = worker().current().files;
    const old = connectTls({ host: '127.0.0.1', port, cert, key, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
    const [error] = (await once(old, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    expect(refused[0]!.reason).toMatch(/an old version of TLS, expected TLS 1\.3/);
  });
});

it('judges every connection by a handshake of its own: no session is resumed', async () => {
  const port = Number((await openDoor(coordinator())).split(':')[1]);
  const options = { host: '127.0.0.1', port, ...secureConnection({ tls: worker(), host: '127.0.0.1', roles }) };
  const sessions: Buffer[] = [];
  for (const session of [undefined, 'of the connection before']) {
    const socket = connectTls({ ...options, ...(session !== undefined && { session: sessions[0] }) });
    socket.on('session', (bytes: Buffer) => sessions.push(bytes));
    socket.on('secureConnect', () => socket.write('hello'));
    await once(socket, 'data');
    expect(socket.isSessionReused()).toBe(false);
    socket.destroy();
  }
});

describe('a server that is refused', () => {
  test.each([
    ['coordinator-stranger', /its certificate CN=coordinator is signed by CN=stranger, which is not the authority/],
    ['coordinator-expired', /its certificate CN=coordinator expired on .*; renew it/],
    ['coordinator-early', /its certificate CN=coordinator is valid from .* on; check the clocks/],
    ['coordinator-revoked', /its certificate CN=coordinator was revoked/],
    [
      'coordinator-elsewhere',
      /is for other\.example, \*\.lan, expected 127\.0\.0\.1; issue one with .* --host 127\.0\.0\.1/,
    ],
    ['status', /its certificate CN=status is for the role status, expected coordinator/],
    ['worker', /its certificate CN=worker is for the role worker, expected coordinator/],
  ])('%s', async (name, message) => {
    const address = await openDoor(unchecked(name));
    expect(await explainFailure({ address, roles, tls: worker() })).toMatch(message);
    expect(await echoThrough(address, worker())).toBe('');
  });

  it('that speaks plain text', async () => {
    const address = await openDoor(undefined);
    expect(await explainFailure({ address, roles, tls: worker() })).toMatch(
      /it speaks no TLS, and this side speaks nothing else; start it with --tls as well/,
    );
  });

  it('is nothing that TLS explains when it hangs up without a word, as a balancer does whose target is away', async () => {
    const balancer = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(balancer, 'listening');
    const { port } = balancer.address() as AddressInfo;
    expect(await explainFailure({ address: `127.0.0.1:${port}`, roles, tls: worker() })).toBeUndefined();
    balancer.close();
  });

  it('is nothing that TLS explains when nobody listens', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    await openDoor(undefined);
    expect(await explainFailure({ address: `127.0.0.1:${port}`, roles, tls: worker() })).toBeUndefined();
  });
});

describe('a door', () => {
  const dial = (address: string): TLSSocket => {
    const port = Number(address.split(':')[1]);
    const host = '127.0.0.1';
    return connectTls({ host, port, ...secureConnection({ tls: worker(), host, roles }) }).on('error', () => undefined);
  };

  it('uses a replaced certificate for the next connection and keeps those that are open', async () => {
    cpSync(at('coordinator'), at('live'), { recursive: true });
    const address = await openDoor(new TlsIdentity(at('live'), { roles }));
    const first = dial(address);
    await once(first, 'secureConnect');
    const { serialNumber } = first.getPeerX509Certificate()!;
    const { serial } = await pki.renew(at('live'));
    const second = dial(address);
    await once(second, 'secureConnect');
    expect(second.getPeerX509Certificate()!.serialNumber).toBe(serial);
    expect(serial).not.toBe(serialNumber);
    first.write('still here');
    expect(String((await once(first, 'data'))[0])).toBe('still here');
    first.destroy();
    second.destroy();
  });

  it('refuses a certificate as soon as its list of revoked ones was replaced', async () => {
    cpSync(at('coordinator'), at('strict'), { recursive: true });
    const { serial } = await pki.issue({ grants: [{ role: 'worker' }], hosts: [], days: 9 }, at('doomed'));
    const address = await openDoor(new TlsIdentity(at('strict'), { roles }));
    const doomed = new TlsIdentity(at('doomed'), { roles: ['worker'] });
    expect(await echoThrough(address, doomed)).toBe('hello');
    await pki.revoke([serial]);
    copyFileSync(at('pki', 'ca.crl'), at('strict', 'ca.crl'));
    expect(await echoThrough(address, doomed)).toBe('');
  });

  it('hangs up on whose certificate is revoked while it is connected, says so once, and keeps the others', async () => {
    cpSync(at('coordinator'), at('watching'), { recursive: true });
    const grants = [{ role: 'worker' as const }];
    const { serial } = await pki.issue({ grants, hosts: [], days: 9 }, at('leaver'));
    const told: string[] = [];
    const identity = { roles, onTrouble: (line: string) => told.push(line), lookEveryMs: 5 };
    const address = await openDoor(new TlsIdentity(at('watching'), identity));
    const connectAs = async (name: string): Promise<TLSSocket> => {
      const [host = '', port] = address.split(':');
      const tls = new TlsIdentity(at(name), { roles: ['worker'] });
      const socket = connectTls({ host, port: Number(port), ...secureConnection({ tls, host, roles }) });
      socket.on('error', () => undefined).write('hello');
      await once(socket, 'data');
      return socket;
    };
    const leavers = [await connectAs('leaver'), await connectAs('leaver')];
    const other = await connectAs('worker');
    await pki.revoke([serial]);
    const closed = leavers.map((socket) => once(socket, 'close'));
    copyFileSync(at('pki', 'ca.crl'), at('watching', 'ca.crl'));
    await Promise.all(closed);
    expect(told).toEqual([
      `the certificate CN=worker (serial ${serial}) was revoked; its open connections (2) are ended`,
    ]);
    other.write('still here');
    expect(String((await once(other, 'data'))[0])).toBe('still here');
    other.destroy();
  });

  it('hangs up on whoever is in the middle of a handshake when it closes', async () => {
    const address = await openDoor(coordinator());
    const silent = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]) }).on('error', () => undefined);
    silent.resume();
    await once(door.server, 'connection');
    door.close();
    await once(silent, 'close');
  });

  it('counts refusals that it does not tell', async () => {
    const address = await openDoor(coordinator());
    for (let attempt = 0; attempt < 5; attempt += 1) await echoThrough(address, unchecked('status'));
    expect(refused.length).toBeLessThan(5);
  });
});
