import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serverOptions } from './channel-options.js';
import { ManualClock } from '../../../test/testkit/manual-clock.js';
import { createInflowLimit } from './inflow-limit.js';
import { Exchange } from './services.js';

const MAX_REQUEST_BYTES = 1_000;
const PIECE = Buffer.alloc(16_384);
const POST = { ':method': 'POST', ':path': '/facet.v1.Exchange/PullState', 'content-type': 'application/grpc' };

/** A gRPC server that bounds what its clients send, and its clock. */
async function boundedServer(burstBytes: number) {
  const clock = new ManualClock();
  const limit = createInflowLimit({ burstBytes, bytesPerSecond: 3 * PIECE.length }, clock);
  const server = new Server(serverOptions(MAX_REQUEST_BYTES));
  server.addService(Exchange.service, {
    Pull: (call: { emit(event: 'error', error: object): void }) => call.emit('error', { code: status.UNIMPLEMENTED }),
    PullState: () => undefined,
  });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets: Socket[] = [];
  const door = createServer((socket) => {
    sockets.push(socket);
    limit(socket);
    injector.injectConnection(socket);
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  onTestFinished(() => {
    door.close();
    server.forceShutdown();
  });
  return {
    port: (door.address() as AddressInfo).port,
    clock,
    read: () => sockets[0]?.bytesRead ?? 0,
  };
}

/** A client that announces a long message and sends of it what it is told to. */
async function openStream(port: number) {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  await once(session, 'connect');
  const stream = session.request(POST);
  stream.on('error', () => undefined);
  stream.resume();
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 << 30, 1);
  stream.write(head);
  const closed = new Promise((resolve) => session.once('close', resolve));
  return {
    /** Resolves when the server has read them, or has hung up. */
    async send(pieces: number): Promise<void> {
      for (let i = 0; i < pieces; i++) stream.write(PIECE);
      await Promise.race([closed, new Promise((resolve) => session.ping(resolve))]);
    },
    isClosed: () => session.destroyed,
    closed,
  };
}

describe('the bound of what a connection sends', () => {
  it('ends the connection of a client that goes on with a refused message', async () => {
    const server = await boundedServer(4 * PIECE.length);
    const client = await openStream(server.port);
    await client.send(3);
    server.clock.advance(100);
    expect(client.isClosed()).toBe(false);
    await client.send(2);
    server.clock.advance(100);
    await client.closed;
    expect(client.isClosed()).toBe(true);
  });

  it('gives the same number of bytes to one that takes its time', async () => {
    const server = await boundedServer(4 * PIECE.length);
    const client = await openStream(server.port);
    for (let turn = 0; turn < 4; turn++) {
      await client.send(3);
      server.clock.advance(1_000);
      expect(client.isClosed()).toBe(false);
    }
    expect(server.read()).toBeGreaterThan(12 * PIECE.length);
  });
});
