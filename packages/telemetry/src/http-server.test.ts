import { connect, type Socket } from 'node:net';
import { TrainingError } from '@facet/shared';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startHttpServer, type HttpServer } from './http-server.js';

let server: HttpServer;

beforeEach(async () => {
  server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    registry: new Registry(),
    routes: {
      '/status': () => ({ step: 7 }),
      '/broken': () => {
        throw new Error('a secret path');
      },
    },
    limits: { headerBytes: 1_024, connections: 4, requestMs: 200, silenceMs: 400 },
  });
});

afterEach(async () => {
  await server.close();
});

function dial(): Socket {
  const socket = connect(server.port, server.host);
  socket.on('error', () => undefined);
  return socket;
}

/** What the server says to these bytes until it closes the connection. */
function say(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket = dial();
    socket.on('data', (part) => parts.push(part));
    socket.on('close', () => {
      resolve(Buffer.concat(parts).toString('latin1'));
    });
    socket.write(bytes);
  });
}

function get(target: string): Promise<string> {
  return say(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d+) /.exec(answer)?.[1]);
}

describe('targets', () => {
  test.each(['//', '/\\', 'http://[', 'http://a:99999/x', '/%', '*', '/__proto__', '/constructor'])(
    'answers %s with 404 and goes on',
    async (target) => {
      expect(statusOf(await get(target))).toBe(404);
      expect(statusOf(await get('/healthz'))).toBe(200);
    },
  );

  test.each(['/status', '/status?a=//', 'http://any.host:1/status', '/status#x'])('finds %s', async (target) => {
    const answer = await get(target);
    expect(statusOf(answer)).toBe(200);
    expect(answer).toContain('{"step":7}');
  });
});

test('says 500 for a route that throws, without its message', async () => {
  const answer = await get('/broken');
  expect(statusOf(answer)).toBe(500);
  expect(answer).not.toContain('secret');
});

test('refuses another method and ends its connection unread', async () => {
  expect(statusOf(await say('POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n'))).toBe(405);
});

describe('limits', () => {
  test('long headers are refused', async () => {
    expect(statusOf(await get(`/${'a'.repeat(2_000)}`))).toBe(431);
  });

  test('a request that does not end is answered with 408', async () => {
    expect(statusOf(await say('GET /status HTTP/1.1\r\nHost'))).toBe(408);
  });

  test('a connection that says nothing is closed', async () => {
    expect(statusOf(await say(''))).toBe(408);
  });

  test('more connections than allowed are closed at once, the others are served', async () => {
    const held = [dial(), dial(), dial(), dial()];
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.on('connect', resolve))));
    expect(await get('/healthz')).toBe('');
    for (const socket of held) socket.destroy();
  });
});

test('no bytes end the server', async () => {
  const target = fc.string({ unit: 'binary-ascii', maxLength: 40 }).map((path) => `GET ${path} HTTP/1.1\r\n\r\n`);
  const anything = fc.oneof(target, fc.uint8Array({ maxLength: 80 }));
  await fc.assert(
    fc.asyncProperty(anything, async (bytes) => {
      const socket = dial();
      const ended = new Promise((resolve) => socket.on('close', resolve));
      socket.resume().end(bytes);
      await ended;
    }),
    { numRuns: 150 },
  );
  expect(statusOf(await get('/healthz'))).toBe(200);
});

test('a port in use is named', async () => {
  const options = { host: server.host, port: server.port, registry: new Registry() };
  await expect(startHttpServer(options)).rejects.toThrow(TrainingError);
  await expect(startHttpServer(options)).rejects.toThrow(`port ${server.port} on 127.0.0.1 is in use`);
});
