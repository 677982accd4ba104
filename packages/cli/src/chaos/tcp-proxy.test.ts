import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TcpProxy } from './tcp-proxy.js';

const HOST = '127.0.0.1';

let echo: Server;
let proxy: TcpProxy;
let socket: Socket;

beforeEach(async () => {
  echo = createServer((peer) => {
    peer.on('error', () => undefined).pipe(peer);
  });
  await new Promise<void>((resolve) => echo.listen(0, HOST, resolve));
  proxy = await TcpProxy.open({ host: HOST, port: (echo.address() as AddressInfo).port });
  socket = connect(proxy.port, HOST);
  await once(socket, 'connect');
});

afterEach(async () => {
  socket.destroy();
  await proxy[Symbol.asyncDispose]();
  await new Promise((resolve) => echo.close(resolve));
});

const read = async (): Promise<string> => String((await once(socket, 'data'))[0]);

describe('a link through a proxy', () => {
  it('carries what is sent, both ways', async () => {
    socket.write('hello');
    expect(await read()).toBe('hello');
  });

  it.each([['up'], ['down'], ['up', 'down']] as const)(
    'holds what goes %s until it is healed',
    async (...directions) => {
      proxy.hold(...directions);
      socket.write('held');
      let arrived = '';
      socket.on('data', (chunk) => (arrived += String(chunk)));
      // Another link to the same target has carried something there and back meanwhile.
      const other = await TcpProxy.open({ host: HOST, port: (echo.address() as AddressInfo).port });
      const probe = connect(other.port, HOST);
      probe.write('x');
      await once(probe, 'data');
      probe.destroy();
      await other[Symbol.asyncDispose]();
      expect(arrived).toBe('');
      const answered = once(socket, 'data');
      proxy.heal();
      await answered;
      expect(arrived).toBe('held');
    },
  );

  it('delays, and keeps the order when the delay ends', async () => {
    proxy.delay(40);
    const startedMs = performance.now();
    socket.write('slow ');
    let arrived = await read();
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(75);
    socket.write('late ');
    await new Promise((resolve) => socket.write('', resolve));
    proxy.heal();
    socket.write('fast');
    while (!arrived.endsWith('fast')) arrived += await read();
    expect(arrived).toBe('slow late fast');
  });

  it('ends with either of its ends', async () => {
    proxy.hold('up', 'down');
    proxy.heal();
    socket.end();
    await once(socket, 'close');
    expect(socket.destroyed).toBe(true);
  });
});
