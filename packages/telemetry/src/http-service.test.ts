/** The answers on a port of somebody else's. */
import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createHttpService } from './http-server.js';

let port: Server;
let whyNotReady: string | undefined;
const service = createHttpService({
  registry: new Registry(),
  whyNotReady: () => whyNotReady,
  limits: { connections: 2, requestMs: 200, silenceMs: 400 },
});

beforeEach(async () => {
  whyNotReady = undefined;
  port = createServer((socket) => {
    // As whoever shares a port does: it reads the first bytes and puts them back.
    socket.once('readable', () => {
      const head = socket.read() as Buffer | null;
      if (head !== null) socket.unshift(head);
      service.accept(socket);
    });
  });
  await new Promise<void>((resolve) => port.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await new Promise((resolve) => port.close(resolve));
});

/** What comes back until the connection is closed. */
function say(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect((port.address() as AddressInfo).port, '127.0.0.1').setEncoding('latin1');
    socket.on('data', (part) => (text += String(part)));
    socket
      .on('error', () => undefined)
      .on('close', () => {
        resolve(text);
      });
    socket.write(bytes);
  });
}

const get = (path: string): Promise<string> => say(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);

test('says whether the process lives, and whether it is ready and why not', async () => {
  expect(await get('/readyz')).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\nready\n$/);
  whyNotReady = 'it waits for others';
  expect(await get('/readyz')).toMatch(/^HTTP\/1\.1 503 [\s\S]*\r\nit waits for others\n$/);
  expect(await get('/healthz')).toMatch(/^HTTP\/1\.1 200 /);
  expect(await get('/metrics')).toMatch(/^HTTP\/1\.1 200 /);
  expect(await get('/')).toMatch(/^HTTP\/1\.1 404 /);
});

test('a request that does not end is answered with 408, as at a port of its own', async () => {
  expect(await say('GET /metrics HTTP/1.1\r\nHost')).toMatch(/^HTTP\/1\.1 408 /);
});

test('hangs up on a connection that is too many', async () => {
  const slow = [say('GET / HTTP/1.1\r\n'), say('GET / HTTP/1.1\r\n')];
  const third = await Promise.all([...slow, say('GET /healthz HTTP/1.1\r\n\r\n')]);
  expect(third.filter((answer) => answer === '')).toHaveLength(1);
});
