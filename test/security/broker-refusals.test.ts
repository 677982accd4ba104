/** A broker that asks for certificates, and clients that have the wrong ones: what coordinators and workers say of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { brokerTls, TlsIdentity, type Role } from '@facet/security';
import { initPki, type Pki } from '@facet/security/authority';
import { connectBroker } from '@facet/shared';
import { connect, credsAuthenticator, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, expect, it, test } from 'vitest';
import { startBroker, type TestBroker } from '../../packages/coordinator/test/broker.js';

let folder: string;
let pki: Pki;
let broker: TestBroker;
let connection: NatsConnection | undefined;
const at = (...parts: string[]): string => path.join(folder, ...parts);
const hosts = ['127.0.0.1'];

const tlsOf = (name: string): object => ({
  ca_file: at(name, 'ca.crt'),
  cert_file: at(name, 'tls.crt'),
  key_file: at(name, 'tls.key'),
  verify: true,
});

function open(url: string, name: string | undefined, role: Role = 'worker'): Promise<NatsConnection> {
  const tls = name === undefined ? undefined : new TlsIdentity(at(name), { roles: [role] });
  const client = { connect, credsAuthenticator, nkeyAuthenticator };
  return connectBroker(url, { client, name: 'test', advice: 'start one', ...brokerTls({ url, tls }) });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-broker-tls-'));
  pki = await initPki(at('pki'), { name: 'test', days: 30 });
  const others = await initPki(at('others'), { name: 'others', days: 30 });
  for (const role of ['worker', 'broker'] as const) {
    const grants = [{ role }];
    await pki.issue({ grants, hosts, days: 9 }, at(role));
    await pki.issue({ grants, hosts: ['elsewhere.example'], days: 9 }, at(`${role}-elsewhere`));
    await others.issue({ grants, hosts, days: 9 }, at(`${role}-stranger`));
    const { serial } = await pki.issue({ grants, hosts, days: 9 }, at(`${role}-revoked`));
    await pki.revoke([serial]);
  }
  // A new list, in the folder of whoever asks.
  await pki.renew(at('worker'));
  broker = await startBroker({ tls: tlsOf('broker') });
}, 60_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

afterEach(async () => {
  await connection?.close();
  connection = undefined;
});

it('lets in who has a certificate of its authority, and with a renewed one too', async () => {
  connection = await open(broker.url, 'worker');
  await connection.flush();
});

test.each([
  ['no certificate', undefined, /asks for TLS, which failed .*; name a folder with a certificate .* in --tls/],
  ['one of another authority', 'worker-stranger', /BROKER_|asks for TLS|signed by|the NATS broker at/],
])('refuses %s', async (_what, name, message) => {
  await expect(open(broker.url, name)).rejects.toThrow(message);
  await expect(open(broker.url, name)).rejects.toMatchObject({ code: 'BROKER_REFUSED' });
});

test.each([
  ['is for another host', 'broker-elsewhere', /CN=broker is for elsewhere\.example, expected 127\.0\.0\.1/],
  ['is for another role', 'worker', /CN=worker is for the role worker, expected broker/],
  ['is of another authority', 'broker-stranger', /self-signed certificate|unable to|issuer|CRL/i],
  ['was revoked', 'broker-revoked', /revoked/],
])('is refused when its certificate %s', async (_what, name, message) => {
  await using other = await startBroker({ tls: { ...tlsOf(name), verify: false } });
  await expect(open(other.url, 'worker')).rejects.toMatchObject({
    code: 'BROKER_REFUSED',
    message: expect.stringMatching(message),
  });
});

it('is refused when it speaks no TLS and we do', async () => {
  await using plain = await startBroker();
  await expect(open(plain.url, 'worker')).rejects.toThrow(/speaks no TLS|does not support TLS/i);
});

it('gets a replaced certificate when a lost connection comes back', async () => {
  connection = await open(broker.url, 'worker');
  const back = (async () => {
    for await (const { type } of connection.status()) if (type === 'reconnect') return;
  })();
  await pki.renew(at('worker'));
  await broker.kill();
  await broker.restart();
  await back;
  await connection.flush();
}, 30_000);
