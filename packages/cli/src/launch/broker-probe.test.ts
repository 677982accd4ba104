import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findBroker } from '../broker/find-broker.js';
import { requireJetStream } from './broker-probe.js';
import { startBroker } from './broker-process.js';
import { endsWithin, type Child } from './child-process.js';

const servers: Server[] = [];
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-probe-'));
});

afterAll(async () => {
  for (const server of servers) server.close();
  await rm(folder, { recursive: true, force: true });
});

/** A server that greets with a text, and hangs up when there is none. */
function greeter(greeting: string | undefined): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (greeting === undefined) socket.end();
    else socket.write(greeting);
  });
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(`nats://ada:s3cret@127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });
}

const info = (jetstream: boolean) =>
  `INFO ${JSON.stringify({ version: '2.9.10', jetstream, max_payload: 1_048_576 })}\r\n`;

test('a real nats-server with JetStream passes, and its guard removes its folder at the end', async (context) => {
  const search = await findBroker();
  if (!search.ok) return context.skip('there is no nats-server on this machine');
  let child: Child | undefined;
  const store = path.join(folder, 'store');
  const broker = await startBroker(
    { binary: search.broker.path, folder: store, logFile: path.join(folder, 'broker.log'), env: process.env },
    (started) => (child = started),
  );
  const greeting = await requireJetStream(broker.url);
  expect(greeting).toEqual({ version: search.broker.version, hasJetStream: true, maxPayload: 1_048_576 });
  child!.release();
  expect(await endsWithin(child!, 5_000)).toBe(true);
  await expect(rm(store, { recursive: true })).rejects.toThrow('ENOENT');
  await expect(requireJetStream(broker.url)).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' });
});

test('a broker without JetStream is named, without its password', async () => {
  const url = await greeter(info(false));
  const error: unknown = await requireJetStream(url).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'BROKER_NO_JETSTREAM', isUsage: true });
  expect((error as Error).message).toContain('(nats-server 2.9.10) runs without JetStream');
  expect((error as Error).message).not.toContain('s3cret');
});

test.each([
  ['hangs up', undefined, 'closed without a greeting'],
  ['is something else', 'SSH-2.0-OpenSSH_9.2\r\n', "greets with 'SSH-2.0-OpenSSH_9.2"],
  ['says nothing', '', 'no answer in 200 ms'],
  ['greets with damage', 'INFO {"version": }\r\n', 'greeting is damaged'],
])('a server that %s is no broker', async (_, greeting, reason) => {
  await expect(requireJetStream(await greeter(greeting), 200)).rejects.toThrow(reason);
});

test('of several brokers, one that answers is enough', async () => {
  const urls = ['nats://127.0.0.1:1', await greeter(info(true))].join(',');
  expect(await requireJetStream(urls)).toMatchObject({ hasJetStream: true });
});

test('a greeting that comes in pieces is read whole', async () => {
  const text = info(true);
  const server = createServer((socket) => {
    socket.write(text.slice(0, 20));
    setTimeout(() => socket.write(text.slice(20)), 20);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  expect(await requireJetStream(`127.0.0.1:${port}`)).toMatchObject({ version: '2.9.10' });
});
