import { connect, createServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import { credentials, Server, ServerCredentials, status, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CHANNEL_OPTIONS, Coordination, serverOptions, type JoinResponse } from './index.js';

const MAX_REQUEST_BYTES = 1_000;
let server: Server;
let address: string;
/** What servers of the test hold, to be closed. */
let others: NetServer[];
let sockets: Socket[];

beforeEach(async () => {
  others = [];
  sockets = [];
  server = new Server(serverOptions(MAX_REQUEST_BYTES));
  server.addService(Coordination.service, {
    Join: (call: { write(message: JoinResponse): void; on(event: 'data', listener: () => void): void }) => {
      call.on('data', () => {
        call.write({ stop: {} });
      });
    },
    GetStatus: (_call: unknown, callback: (error: null, answer: object) => void) => {
      callback(null, { run: 'mine' });
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  address = `127.0.0.1:${port}`;
});

afterEach(() => {
  vi.unstubAllEnvs();
  server.forceShutdown();
  for (const socket of sockets) socket.destroy();
  for (const other of others) other.close();
});

/** Listens on a port and counts who comes. */
async function listenTo(onSocket: (socket: Socket) => void): Promise<number> {
  const listener = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    onSocket(socket);
  });
  others.push(listener);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return (listener.address() as AddressInfo).port;
}

test('no proxy of the environment is asked for the way to a peer', async () => {
  let asked = 0;
  const proxy = await listenTo((socket) => {
    asked += 1;
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  for (const name of ['http_proxy', 'https_proxy', 'grpc_proxy']) vi.stubEnv(name, `http://127.0.0.1:${proxy}`);
  for (const name of ['no_proxy', 'no_grpc_proxy']) vi.stubEnv(name, undefined);
  const client = new Coordination(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  const answer = await new Promise<{ run?: string } | undefined>((resolve, reject) => {
    client.getStatus({}, { deadline: Date.now() + 5_000 }, (error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
  expect(answer?.run).toBe('mine');
  expect(asked).toBe(0);
  client.close();
});

describe('a server', () => {
  test('refuses a message by its announced length, before it has arrived', async () => {
    const client = new Coordination(address, credentials.createInsecure(), CHANNEL_OPTIONS);
    const call = client.join();
    const ended = new Promise<ServiceError>((resolve) => call.on('error', resolve));
    call.on('data', () => undefined);
    call.write({ leave: { reason: 'x'.repeat(MAX_REQUEST_BYTES) } });
    expect((await ended).code).toBe(status.RESOURCE_EXHAUSTED);
    client.close();
  });

  test('serves 16 streams of a connection at a time and lets the others wait', async () => {
    const client = new Coordination(address, credentials.createInsecure(), CHANNEL_OPTIONS);
    let answered = 0;
    let onAnswer: () => void = () => undefined;
    const calls = Array.from({ length: 17 }, () => {
      const call = client.join();
      call.on('error', () => undefined);
      call.on('data', () => {
        answered += 1;
        onAnswer();
      });
      call.write({ heartbeat: { step: 1 } });
      return call;
    });
    const reached = (count: number): Promise<void> =>
      new Promise((resolve) => {
        onAnswer = () => {
          if (answered >= count) resolve();
        };
        onAnswer();
      });
    await reached(16);
    // An answer to a 17th stream would come before that of a call that begins now on another connection.
    const other = new Coordination(address, credentials.createInsecure(), CHANNEL_OPTIONS);
    await new Promise((resolve) => {
      other.getStatus({}, resolve);
    });
    expect(answered).toBe(16);
    calls[0]!.cancel();
    await reached(17);
    client.close();
    other.close();
  });

  test('hangs up on a connection that does not speak', { timeout: 20_000 }, async () => {
    const { port, hostname } = new URL(`http://${address}`);
    const socket = connect(Number(port), hostname);
    sockets.push(socket.on('error', () => undefined));
    await new Promise((resolve) => socket.resume().on('close', resolve));
  });
});
