/**
 * How frames leave for one peer: over the gRPC stream on which it pulls, or over the socket that belongs to that stream. One frame
 * is sent at a time; a send that resolved has left the values to be overwritten, and waited for as long as the way was full.
 */
import type { Socket } from 'node:net';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { PullRequest } from '@facet/proto';
import { TrainingError } from '@facet/shared';
import { wholeFrame } from './frame.js';

export interface Outlet {
  /** Rejects when the peer is gone. */
  send(header: Buffer, values: Uint8Array): Promise<void>;
}

export type FrameStream = ServerWritableStream<PullRequest, Buffer>;

/** Header and values in one gRPC message, copied. */
export function streamOutlet(stream: FrameStream): Outlet {
  return {
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
export function socketOutlet(socket: Socket): Outlet {
  return {
    send: (header, values) =>
      new Promise((resolve, reject) => {
        socket.cork();
        socket.write(header);
        socket.write(values, (error) => {
          if (error) reject(gone(error));
          else resolve();
        });
        socket.uncork();
      }),
  };
}

function gone(cause?: Error): TrainingError {
  return new TrainingError('PEER_UNAVAILABLE', 'the peer stopped pulling', { cause });
}
