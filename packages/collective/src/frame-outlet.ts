/**
 * Sends frames to one peer: over the gRPC stream on which it pulls, over the socket of that stream, or through memory that both
 * share. One frame is sent at a time. A send waits while the way is full. When it resolves, the values may be overwritten.
 */
import type { Socket } from 'node:net';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { PullRequest } from '@facet/proto';
import { TrainingError } from '@facet/shared';
import type { RingBuffer } from './ring-buffer.js';
import { wholeFrame } from './frame.js';
import { createTurns, nextTurn } from './turns.js';

/** What the reader of a ring sends back: how many bytes it has taken since. */
export const CREDIT_BYTES = 4;

/** How values travel to a peer: through shared memory, on a socket, or in the messages of the gRPC stream. */
export type Way = 'memory' | 'unix' | 'tcp' | 'grpc';

export interface Outlet {
  readonly way: Way;
  /** Rejects when the peer is gone. */
  send(header: Buffer, values: Uint8Array): Promise<void>;
}

export type FrameStream = ServerWritableStream<PullRequest, Buffer>;

/** Header and values in one gRPC message, copied. */
export function streamOutlet(stream: FrameStream): Outlet {
  return {
    way: 'grpc',
    async send(header, values) {
      if (stream.cancelled || stream.destroyed) throw gone();
      if (stream.write(wholeFrame(header, values))) return;
      await new Promise<void>((resolve, reject) => {
        const settle = (action: () => void) => (): void => {
          stream.off('drain', onDrain);
          stream.off('cancelled', onGone);
          stream.off('close', onGone);
          action();
        };
        const onDrain = settle(resolve);
        const onGone = settle(() => {
          reject(gone());
        });
        stream.on('drain', onDrain);
        stream.on('cancelled', onGone);
        stream.on('close', onGone);
      });
    },
  };
}

/** Header and values in one gathering write: the values go from where they are to the kernel. */
export function socketOutlet(socket: Socket, way: 'unix' | 'tcp'): Outlet {
  const isTurnOfOthers = createTurns();
  return {
    way,
    async send(header, values) {
      await new Promise<void>((resolve, reject) => {
        socket.cork();
        socket.write(header);
        socket.write(values, (error) => {
          if (error) reject(gone(error));
          else resolve();
        });
        socket.uncork();
      });
      if (isTurnOfOthers(values.length)) await nextTurn();
    },
  };
}

/**
 * Values through a ring that the peer reads, headers over the socket. The peer says over the socket how many bytes it has taken; until
 * there is room a send waits.
 */
export function ringOutlet(socket: Socket, ring: RingBuffer): Outlet {
  let written = 0;
  let taken = 0;
  let wake: () => void = () => undefined;
  readCredits(socket, (bytes) => {
    taken += bytes;
    // Not a peer of ours: what it reads from now on may have been overwritten.
    if (taken > written) socket.destroy();
    wake();
  });
  socket.once('finish', () => {
    wake();
  });
  socket.once('close', () => {
    ring.close();
    wake();
  });
  return {
    way: 'memory',
    async send(header, values) {
      const { bytes } = ring.offer;
      if (values.length > bytes)
        throw new TrainingError(
          'INTERNAL',
          `a message of ${values.length} bytes does not go through memory of ${bytes}; is exchange.messageBytes the same on every worker?`,
        );
      while (socket.writable && written + values.length > taken + bytes)
        await new Promise<void>((resolve) => (wake = resolve));
      if (!socket.writable) throw gone();
      ring.write(written, values);
      written += values.length;
      await new Promise<void>((resolve, reject) => {
        socket.write(header, (error) => {
          if (error) reject(gone(error));
          else resolve();
        });
      });
    },
  };
}

/** Credits are 32-bit numbers, little-endian, which may come in pieces. */
function readCredits(socket: Socket, onCredit: (bytes: number) => void): void {
  let rest = Buffer.alloc(0);
  socket.on('data', (piece: Buffer) => {
    rest = Buffer.concat([rest, piece]);
    const whole = rest.length - (rest.length % CREDIT_BYTES);
    for (let at = 0; at < whole; at += CREDIT_BYTES) onCredit(rest.readUInt32LE(at));
    rest = rest.subarray(whole);
  });
}

function gone(cause?: Error): TrainingError {
  return new TrainingError('PEER_UNAVAILABLE', 'the peer stopped pulling', { cause });
}
