/** The coordinator's port with TLS: what becomes of a Join stream whose certificate is revoked. */
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { channelTo, Coordination, type JoinResponse__Output, type Status } from '@facet/proto';
import { TlsIdentity } from '@facet/security';
import { initPki, type Pki } from '../../../security/test/pki.js';
import { CONFIG_VERSION, JOIN_NONCE_BYTES, OperatorToken, PassSigner, RunToken } from '@facet/shared';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startGrpcServer, type GrpcServer } from './grpc-server.js';

let folder: string;
let pki: Pki;
let server: GrpcServer;
let told: string[];
const clients: InstanceType<typeof Coordination>[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facet-grpc-'));
  pki = await initPki(join(folder, 'pki'), { name: 'test', days: 30 });
  for (const role of ['coordinator', 'worker'] as const) {
    await pki.issue({ grants: [{ role }], hosts: ['127.0.0.1'], days: 9 }, join(folder, role));
  }
  told = [];
  server = await startGrpcServer({
    host: '127.0.0.1',
    port: 0,
    tls: new TlsIdentity(join(folder, 'coordinator'), {
      roles: ['coordinator'],
      lookEveryMs: 5,
      onTrouble: (line) => told.push(line),
    }),
    states: { passes: new PassSigner(Buffer.alloc(32)).verifier, generation: () => 1 },
    gate: {
      ...{ run: 'secret', runId: 'aa', token: RunToken.random(), operatorToken: OperatorToken.random() },
      onStranger: () => undefined,
    },
    term: 1,
    codeVersion: 'test',
    handler: { onHello: () => undefined, onMessage: () => undefined, onClosed: () => undefined },
    obey: () => Promise.reject(new Error('nobody orders anything')),
    status: () => ({ run: 'secret' }) as Status,
    evaluation: { microBatches: 1, classes: 2 },
    stateOf: () => Promise.reject(new Error('nobody pulls a state')),
  });
});

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A Join stream on which the coordinator has answered. */
async function joinAs(name: string) {
  const tls = new TlsIdentity(join(folder, name), { roles: ['worker'] });
  const client = new Coordination(...channelTo({ address: `127.0.0.1:${server.port}`, roles: ['coordinator'], tls }));
  clients.push(client);
  const call = client.join();
  call.write({
    hello: {
      ...{ workerId: name, codeVersion: 'test', configVersion: CONFIG_VERSION, host: 'here', pid: 1, cores: 1 },
      ...{ exchangeAddress: '127.0.0.1:9', nonce: Buffer.alloc(JOIN_NONCE_BYTES) },
    },
  });
  const [answer] = (await once(call, 'data')) as [JoinResponse__Output];
  expect(answer.challenge).toBeDefined();
  return { client, call };
}

it('ends every stream of a worker whose certificate is revoked, says so once, and keeps the others', async () => {
  const { serial } = await pki.issue({ grants: [{ role: 'worker' }], hosts: [], days: 9 }, join(folder, 'leaver'));
  const { call } = await joinAs('leaver');
  const second = await joinAs('leaver');
  const other = await joinAs('worker');
  let isOtherOver = false;
  other.call.on('error', () => (isOtherOver = true));
  const ends = [call, second.call].map((stream) => new Promise((resolve) => stream.once('error', resolve)));
  await pki.revoke([serial]);
  copyFileSync(join(folder, 'pki', 'ca.crl'), join(folder, 'coordinator', 'ca.crl'));
  await Promise.all(ends);
  expect(told).toEqual([expect.stringContaining(`the certificate CN=worker (serial ${serial}) was revoked`)]);
  const status = await new Promise((resolve, reject) => {
    other.client.getStatus({}, (error, answer) => {
      if (error === null) resolve(answer);
      else reject(error);
    });
  });
  expect(status).toMatchObject({ run: 'secret' });
  expect(isOtherOver).toBe(false);
  other.call.cancel();
});
