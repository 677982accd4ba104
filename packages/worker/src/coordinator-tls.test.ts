/** The Join stream of a worker over TLS, when the coordinator's certificate is revoked. */
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { Coordination, serverOptions, type CoordinationHandlers } from '@facet/proto';
import { createDoor, TlsIdentity } from '@facet/security';
import { initPki } from '../../security/test/pki.js';
import { expect, it } from 'vitest';
import { openCoordinatorStream } from './coordinator-stream.js';

it('ends, and says why', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'facet-join-'));
  const at = (...parts: string[]): string => join(folder, ...parts);
  const pki = await initPki(at('pki'), { name: 'test', days: 30 });
  const issue = (role: 'coordinator' | 'worker') =>
    pki.issue({ grants: [{ role }], hosts: ['127.0.0.1'], days: 9 }, at(role));
  const { serial } = await issue('coordinator');
  await issue('worker');
  const server = new Server(serverOptions(10_000));
  let onJoin: () => void = () => undefined;
  const joined = new Promise<void>((resolve) => (onJoin = resolve));
  const handlers: CoordinationHandlers = {
    Join: (call) => {
      call.on('error', () => undefined);
      onJoin();
    },
    Operate: () => undefined,
    GetStatus: () => undefined,
  };
  server.addService(Coordination.service, handlers);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const door = createDoor({
    tls: new TlsIdentity(at('coordinator'), { roles: ['coordinator'] }),
    admits: ['worker'],
    enter: () => true,
    onConnection: (socket) => {
      injector.injectConnection(socket);
    },
  });
  door.server.listen(0, '127.0.0.1');
  await once(door.server, 'listening');
  const told: string[] = [];
  const watching = { roles: ['worker'] as const, lookEveryMs: 5, onTrouble: (line: string) => told.push(line) };
  const address = `127.0.0.1:${(door.server.address() as AddressInfo).port}`;
  const stream = await openCoordinatorStream(address, new TlsIdentity(at('worker'), watching));
  await joined;
  const ended = stream.messages(() => undefined).next();
  await pki.revoke([serial]);
  copyFileSync(at('pki', 'ca.crl'), at('worker', 'ca.crl'));
  await expect(ended).rejects.toMatchObject({
    code: 'CERTIFICATE_REFUSED',
    message: expect.stringContaining('revoked'),
  });
  expect(told).toEqual([
    `the certificate CN=coordinator (serial ${serial}) was revoked; its open connections (1) are ended`,
  ]);
  await stream[Symbol.asyncDispose]();
  door.close();
  server.forceShutdown();
  rmSync(folder, { recursive: true, force: true });
});
