/**
 * The pulling end of a socket of values: connects, greets with the token, and reads every frame straight from the kernel into
 * the place where its values belong. Nothing is allocated per frame.
 */
import { connect, type Socket } from 'node:net';
import { parseAddress, TrainingError } from '@facet/shared';
import { FRAME_HEADER_BYTES, type FrameSink } from './frame.js';
import { abstractPath, greeting } from './socket-door.js';

export interface FrameSocketOptions {
  /** host:port of the peer. */
  readonly address: string;
  /** The peer's Unix socket, to be tried first; only a peer on this host has it. */
  readonly unixName: string | undefined;
  readonly token: string;
  readonly sink: FrameSink;
  /** Called once when the socket ends, also when it never opened. */
  readonly onClosed: (reason: string) => void;
  /** Ends the attempt to connect. */
  readonly signal: AbortSignal;
}

/**
 * Connects to a peer that has told us a token.
 *
 * @throws TrainingError PEER_UNAVAILABLE with the reason
 */
export async function openFrameSocket(options: FrameSocketOptions): Promise<Socket> {
  const { address, unixName } = options;
  const tcp = { ...parseAddress(address), noDelay: true };
  if (unixName === undefined) return attempt(tcp, options);
  return attempt({ path: abstractPath(unixName) }, options).catch(() => attempt(tcp, options));
}

function attempt(
  where: { path: string } | { host: string; port: number; noDelay: boolean },
  { token, sink, onClosed, signal }: FrameSocketOptions,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...where, onread: frameReader(sink) });
    let reason = 'the peer closed its socket';
    const giveUp = (): void => {
      reason = 'it was given up';
      socket.destroy();
    };
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    const settle = (): void => {
      signal.removeEventListener('abort', giveUp);
    };
    socket.on('error', (error) => (reason = error.message));
    const onFailed = (): void => {
      settle();
      reject(new TrainingError('PEER_UNAVAILABLE', reason));
    };
    socket.once('close', onFailed);
    socket.once('connect', () => {
      settle();
      socket.off('close', onFailed);
      socket.once('close', () => {
        onClosed(reason);
      });
      socket.write(greeting(token));
      resolve(socket);
    });
  });
}

/** Reads headers into a buffer of its own and values into the place that the sink gives. */
function frameReader(sink: FrameSink): { buffer: () => Uint8Array; callback: (bytes: number) => boolean } {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  let place: Uint8Array | undefined;
  let filled = 0;
  return {
    buffer: () => (place ?? header).subarray(filled),
    callback(bytes) {
      filled += bytes;
      if (filled < (place ?? header).length) return true;
      filled = 0;
      if (place === undefined) {
        place = sink.begin(header);
        // A refused frame has failed the all-reduce: nothing behind it is wanted.
        if (place === undefined) return false;
        if (place.length > 0) return true;
      }
      place = undefined;
      sink.end();
      return true;
    },
  };
}
