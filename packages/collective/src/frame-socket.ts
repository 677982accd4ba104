/**
 * The pulling end of a socket of values. It connects and greets with the token; on the same host it also offers a ring buffer.
 * It reads the values of every frame, from the socket or from the ring, into the place where they belong.
 */
import { connect, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { secureConnection, type TlsIdentity } from '@facet/security';
import { parseAddress, TrainingError } from '@facet/shared';
import { FRAME_HEADER_BYTES, type FrameSink } from './frame.js';
import { CREDIT_BYTES } from './frame-outlet.js';
import { createRingBuffer, NO_OFFER, type RingBuffer } from './ring-buffer.js';
import { abstractPath, greeting, TAKES_OFFER } from './socket-door.js';
import { createTurns, nextTurn } from './turns.js';

/** How often per lap of the ring the peer is told that there is room again. */
const CREDITS_PER_LAP = 8;

export interface FrameSocketOptions {
  /** host:port of the peer. */
  readonly address: string;
  /** Of this process, for connections over TCP; absent: in the open. */
  readonly tls?: TlsIdentity | undefined;
  /** The peer's Unix socket, to be tried first; only a peer on this host has it. */
  readonly unixName: string | undefined;
  /** Length of the memory that is offered to a peer on this host. */
  readonly ringBytes: number;
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

type Place = { readonly path: string } | { readonly host: string; readonly port: number; readonly noDelay: boolean };

function attempt(where: Place, { token, tls, sink, ringBytes, onClosed, signal }: FrameSocketOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const isOffering = 'path' in where && ringBytes > 0;
    const reader = createFrameReader(sink, isOffering, (credit) => socket.write(credit));
    const { socket, opened } = openTo(where, tls, {
      buffer: reader.buffer,
      callback(bytes) {
        const next = attemptTo(() => reader.take(bytes));
        if (next === 'turn') void nextTurn().then(() => socket.resume());
        return next === 'more';
      },
    });
    const attemptTo = (take: () => Appetite): Appetite => {
      try {
        return take();
      } catch (caught) {
        socket.destroy(caught as Error);
        return 'nothing';
      }
    };
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
    socket.once(opened, () => {
      settle();
      socket.off('close', onFailed);
      const ring = isOffering ? createRingBuffer(ringBytes, token) : undefined;
      if (ring !== undefined) reader.offer(ring);
      socket.once('close', () => {
        ring?.close();
        onClosed(reason);
      });
      socket.write(greeting(token, isOffering ? (ring?.offer ?? NO_OFFER) : undefined));
      resolve(socket);
    });
  });
}

/** Over TCP with our certificate, if there is one; `opened` is the event after which it can be written to. */
function openTo(
  where: Place,
  tls: TlsIdentity | undefined,
  onread: OnReadOpts,
): { readonly socket: Socket; readonly opened: 'connect' | 'secureConnect' } {
  if (tls === undefined || 'path' in where) return { socket: connect({ ...where, onread }), opened: 'connect' };
  const secure = secureConnection({ tls, host: where.host, roles: ['worker'] });
  // TLS takes the option as well, and says so only in Node's documentation.
  const options = { ...where, ...secure, onread };
  const socket = connectSecurely(options);
  socket.setNoDelay(true);
  return { socket, opened: 'secureConnect' };
}

/** `turn`: more, but others should have their turn first. */
type Appetite = 'more' | 'turn' | 'nothing';

interface FrameReader {
  /** Where the next bytes of the socket go. */
  readonly buffer: () => Uint8Array;
  /** So many have come. */
  readonly take: (bytes: number) => Appetite;
  /** The ring through which values come if the peer takes the offer. */
  readonly offer: (ring: RingBuffer) => void;
}

/**
 * Reads headers into a buffer of its own, and values into the place that the sink gives: from the socket, or from a ring.
 *
 * @param isOffering the first byte that comes says whether the peer takes the offer
 */
function createFrameReader(sink: FrameSink, isOffering: boolean, giveBack: (credit: Buffer) => void): FrameReader {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  const answer = Buffer.alloc(1);
  let isAnswered = !isOffering;
  let offered: RingBuffer | undefined;
  let ring: RingBuffer | undefined;
  /** Bytes that were taken out of the ring, and those that the peer does not know of. */
  let taken = 0;
  let owed = 0;
  let place: Uint8Array | undefined;
  let filled = 0;
  const isTurnOfOthers = createTurns();

  const readFrom = (source: RingBuffer, values: Uint8Array): void => {
    source.read(taken, values);
    taken += values.length;
    owed += values.length;
    if (owed < source.offer.bytes / CREDITS_PER_LAP) return;
    const credit = Buffer.alloc(CREDIT_BYTES);
    credit.writeUInt32LE(owed, 0);
    owed = 0;
    giveBack(credit);
  };

  const end = (values: Uint8Array): Appetite => {
    place = undefined;
    sink.end();
    return isTurnOfOthers(values.length) ? 'turn' : 'more';
  };

  return {
    offer: (made) => (offered = made),
    buffer: () => (isAnswered ? (place ?? header).subarray(filled) : answer),
    take(bytes) {
      if (!isAnswered) {
        isAnswered = true;
        if (answer[0] === TAKES_OFFER.yes) ring = offered;
        else offered?.close();
        return 'more';
      }
      filled += bytes;
      if (filled < (place ?? header).length) return 'more';
      filled = 0;
      if (place !== undefined) return end(place);
      place = sink.begin(header);
      // A refused frame has failed the all-reduce, so later frames are ignored.
      if (place === undefined) return 'nothing';
      if (ring !== undefined) readFrom(ring, place);
      else if (place.length > 0) return 'more';
      return end(place);
    },
  };
}
