/**
 * One peer's pull, seen from the pulled side: over the gRPC stream alone, or with the socket that belongs to it. A pull ends
 * once, by the peer or from here, with the reason if there is one. A closed pull holds neither a socket nor a token.
 */
import { Metadata, status } from '@grpc/grpc-js';
import { ringOutlet, socketOutlet, streamOutlet, type FrameStream, type Outlet } from './frame-outlet.js';
import { openRingBuffer } from './ring-buffer.js';
import { TAKES_OFFER, type Guest, type SocketDoor } from './socket-door.js';

/** Initial metadata of a pull whose frames travel on a socket: the token to greet with, and the Unix socket if there is one. */
export const TOKEN_KEY = 'facet-socket-token';
export const UNIX_NAME_KEY = 'facet-socket-unix-name';

export interface Pull {
  /** Resolves when frames can be sent; over a socket, when the peer has come with its token. */
  readonly outlet: Promise<Outlet>;
  readonly isOver: boolean;
  /** True while it holds a socket or a token. */
  readonly isHolding: boolean;
  /** Registers the one listener to the peer's end of the pull. */
  onOver(listener: (reason: string) => void): void;
  /** Tells the peer why the pull fails. It holds on to its socket until the peer has heard it, or until `close`. */
  fail(reason: string): void;
  /** Ends the pull from this side, after what was sent. */
  close(): void;
}

/** Accepts a pull whose frames are the messages of its stream. */
export function acceptStream(stream: FrameStream): Pull {
  stream.sendMetadata(new Metadata());
  return pullOf(stream, Promise.resolve(streamOutlet(stream)), () => undefined).pull;
}

/** Accepts a pull whose frames travel on a socket, to which the door invites the peer. */
export function acceptWithSocket(stream: FrameStream, door: SocketDoor): Pull {
  const { token, guest, revoke } = door.invite();
  const metadata = new Metadata();
  metadata.set(TOKEN_KEY, token);
  if (door.unixName !== undefined) metadata.set(UNIX_NAME_KEY, door.unixName);
  stream.sendMetadata(metadata);
  let outlet: Outlet | undefined;
  const { pull, over } = pullOf(
    stream,
    guest.then((arrived) => (outlet = outletFor(arrived, token))),
    () => {
      // Only headers wait on such a socket, and the peer still has credits to write to it.
      revoke(outlet?.way === 'memory');
    },
  );
  void guest.then(({ socket }) =>
    socket.once('close', () => {
      over('its socket was closed');
    }),
  );
  return pull;
}

/** Through the memory that the guest offers if it can be opened from here, which the guest is told; otherwise over its socket. */
function outletFor({ socket, way, offer }: Guest, token: string): Outlet {
  if (offer === undefined) return socketOutlet(socket, way);
  const ring = openRingBuffer(offer, token);
  socket.write(Uint8Array.of(ring === undefined ? TAKES_OFFER.no : TAKES_OFFER.yes));
  return ring === undefined ? socketOutlet(socket, way) : ringOutlet(socket, ring);
}

function pullOf(
  stream: FrameStream,
  outlet: Promise<Outlet>,
  release: () => void,
): { pull: Pull; over: (reason: string) => void } {
  let isOver = false;
  let isHolding = true;
  const letGo = (): void => {
    isHolding = false;
    release();
  };
  let tell: (reason: string) => void = () => undefined;
  const over = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    letGo();
    tell(reason);
  };
  stream.once('cancelled', () => {
    over('its stream was cancelled');
  });
  const pull: Pull = {
    outlet,
    get isOver() {
      return isOver;
    },
    get isHolding() {
      return isHolding;
    },
    onOver: (listener) => (tell = listener),
    fail(reason) {
      if (isOver) return;
      isOver = true;
      stream.emit('error', { code: status.ABORTED, details: reason });
    },
    close() {
      if (!isOver) stream.end();
      isOver = true;
      letGo();
    },
  };
  return { pull, over };
}
