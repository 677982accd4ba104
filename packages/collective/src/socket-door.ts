/**
 * The port of a worker: gRPC, the sockets that carry the values of a pull, and HTTP/1 for probes and Prometheus, told apart by
 * the first bytes. A puller gets a token over gRPC. It comes back
 * with the token on a connection of its own, over TCP to the same port or, on the same host, over a Unix socket. A connection
 * that begins neither with our greeting nor with a method of HTTP/1 belongs to gRPC. A greeting without a valid token is closed. With TLS, all of that is
 * what comes out of the decrypted connection; the Unix socket, which the token guards, is not encrypted.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createConnectionGate } from '@facet/proto';
import { createDoor, type DoorOptions } from '@facet/security';
import { TrainingError } from '@facet/shared';
import type { RingOffer } from './ring-buffer.js';

/** What a greeting begins with; HTTP/2 begins with "PRI ". */
const GREETING = Buffer.from('FAS1');
/** The same, with the offer of a ring behind the token. */
const GREETING_WITH_OFFER = Buffer.from('FAM1');
/** How the methods of HTTP/1 begin. */
const HTTP_METHODS = ['GET ', 'HEAD', 'POST', 'PUT ', 'PATC', 'DELE', 'OPTI', 'TRAC', 'CONN'];
/** The first byte that answers an offer. */
export const TAKES_OFFER = { no: 0, yes: 1 } as const;
const TOKEN_CHARACTERS = 32;
const OFFER_BYTES = 12;
/** Longest wait for the first bytes of a connection. */
const GREETING_TIMEOUT_MS = 10_000;

/** The first bytes on a socket of values. */
export function greeting(token: string, offer?: RingOffer): Buffer {
  if (offer === undefined) return Buffer.concat([GREETING, Buffer.from(token)]);
  const numbers = Buffer.alloc(OFFER_BYTES);
  numbers.writeUInt32LE(offer.pid, 0);
  numbers.writeUInt32LE(offer.fd, 4);
  numbers.writeUInt32LE(offer.bytes, 8);
  return Buffer.concat([GREETING_WITH_OFFER, Buffer.from(token), numbers]);
}

export interface Guest {
  readonly socket: Socket;
  readonly way: 'unix' | 'tcp';
  /** The memory that it would read values from. */
  readonly offer?: RingOffer;
}

export interface Invitation {
  readonly token: string;
  /** Resolves when the guest has come. */
  readonly guest: Promise<Guest>;
  /**
   * The token is worth nothing any more; a guest that has come is hung up on.
   *
   * @param isGentle after what was sent, which must not refer to memory that is used again
   */
  readonly revoke: (isGentle: boolean) => void;
}

export interface SocketDoor {
  readonly port: number;
  /** Name of the abstract Unix socket, without its leading zero byte; undefined where the system has none. */
  readonly unixName: string | undefined;
  invite(): Invitation;
  /** Stops listening and hangs up on everyone who is not gRPC's. */
  close(): void;
}

export interface SocketDoorOptions extends Pick<DoorOptions, 'tls' | 'onRefused'> {
  readonly host: string;
  readonly port?: number | undefined;
  /** Takes the connections that are not ours. */
  readonly onGrpc: (socket: Socket) => void;
  /** Takes those that speak HTTP/1. Absent: gRPC gets them, and refuses them. */
  readonly onHttp?: ((socket: Socket) => void) | undefined;
}

/**
 * Listens on a port of a host; 0 takes any free one.
 *
 * @throws TrainingError CONFIG_INVALID when it cannot listen there
 */
export async function openSocketDoor(options: SocketDoorOptions): Promise<SocketDoor> {
  const { host, port = 0, tls, onGrpc, onHttp, onRefused } = options;
  const expected = new Map<string, (guest: Guest) => void>();
  const present = new Set<Socket>();
  const admit = (token: string, guest: Guest): void => {
    const accept = expected.get(token);
    if (accept === undefined) {
      guest.socket.destroy();
      return;
    }
    expected.delete(token);
    accept(guest);
  };
  const hasPlace = createConnectionGate();
  const stay = (socket: Socket): void => {
    present.add(socket);
    socket.once('close', () => present.delete(socket));
  };
  const tcp = createDoor({
    tls,
    // Peers, and the coordinator, which takes the state of a checkpoint.
    admits: ['worker', 'coordinator'],
    enter: hasPlace,
    onRefused,
    onHttp,
    onConnection: (socket) => {
      stay(socket);
      greet(socket, (greeted) => {
        if (greeted === 'grpc' || greeted === 'http') {
          present.delete(socket);
          (greeted === 'http' ? (onHttp ?? onGrpc) : onGrpc)(socket);
          return;
        }
        // A peer that comes over the network cannot share memory with us.
        admit(greeted.offer === undefined ? greeted.token : '', { socket, way: 'tcp' });
      });
    },
  });
  await listen(tcp.server, { host, port });
  const unixName = process.platform === 'linux' ? `facet-${randomBytes(12).toString('hex')}` : undefined;
  const unix = createServer((socket) => {
    if (!hasPlace(socket)) return;
    stay(socket);
    greet(socket, (greeted) => {
      const { token, offer } = typeof greeted === 'string' ? { token: '' } : greeted;
      admit(token, { socket, way: 'unix', ...(offer === undefined ? {} : { offer }) });
    });
  });
  if (unixName !== undefined) await listen(unix, { path: abstractPath(unixName) });

  return {
    port: (tcp.server.address() as AddressInfo).port,
    unixName,
    invite() {
      const token = randomBytes(TOKEN_CHARACTERS / 2).toString('hex');
      let socket: Socket | undefined;
      const guest = new Promise<Guest>((resolve) => {
        expected.set(token, (arrived) => {
          socket = arrived.socket;
          resolve(arrived);
        });
      });
      return {
        token,
        guest,
        revoke(isGentle) {
          expected.delete(token);
          if (isGentle) socket?.end();
          else socket?.destroy();
        },
      };
    },
    close() {
      expected.clear();
      tcp.close();
      unix.close();
      // A peer that does not answer must not keep this process alive.
      for (const socket of present) socket.destroy();
    },
  };
}

/** Where a name of an abstract Unix socket is connected to: it is no file, and gone with its process. */
export function abstractPath(name: string): string {
  return `\0${name}`;
}

interface Greeted {
  readonly token: string;
  readonly offer?: RingOffer;
}

/** Reads the first bytes of a connection; those of another protocol are put back. */
function greet(socket: Socket, onGreeted: (greeted: Greeted | 'grpc' | 'http') => void): void {
  const timer = setTimeout(() => socket.destroy(), GREETING_TIMEOUT_MS);
  let head: Buffer | undefined;
  const onReadable = (): void => {
    head ??= (socket.read(GREETING.length) as Buffer | null) ?? undefined;
    if (head === undefined) return;
    const hasOffer = head.equals(GREETING_WITH_OFFER);
    if (!hasOffer && !head.equals(GREETING)) {
      finish();
      socket.unshift(head);
      onGreeted(HTTP_METHODS.includes(head.toString('latin1')) ? 'http' : 'grpc');
      return;
    }
    const length = TOKEN_CHARACTERS + (hasOffer ? OFFER_BYTES : 0);
    const rest = socket.read(length) as Buffer | null;
    if (rest === null) return;
    finish();
    // A stream that has ended gives what there is.
    if (rest.length < length) {
      socket.destroy();
      return;
    }
    socket.resume();
    onGreeted(greetedOf(rest, hasOffer));
  };
  const finish = (): void => {
    clearTimeout(timer);
    socket.off('readable', onReadable);
  };
  socket.on('readable', onReadable);
  socket.once('close', finish);
  // Every user of a socket learns of its end by `close`.
  socket.on('error', () => undefined);
}

function greetedOf(rest: Buffer, hasOffer: boolean): Greeted {
  const token = rest.toString('latin1', 0, TOKEN_CHARACTERS);
  if (!hasOffer) return { token };
  const [pid, fd, bytes] = [0, 4, 8].map((at) => rest.readUInt32LE(TOKEN_CHARACTERS + at)) as [number, number, number];
  return { token, offer: { pid, fd, bytes } };
}

function listen(server: Server, where: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    // The listener stays: a connection that cannot be accepted (no file descriptor is left) is an event of the server too.
    server.on('error', (error) => {
      const at = 'host' in where ? where.host : 'a Unix socket';
      reject(
        new TrainingError('CONFIG_INVALID', `a worker cannot listen on ${at}: ${error.message}`, { cause: error }),
      );
    });
    server.listen(where, resolve);
  });
}
