/**
 * The port of a worker: gRPC, and beside it the sockets that carry the values of a pull. Who pulls is told a token over gRPC and
 * comes back with it on a connection of its own, over TCP to the same port or, on the same host, over a Unix socket. What does not begin
 * like our greeting is gRPC's; a greeting without a valid token is hung up on.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TrainingError } from '@facet/shared';

/** What a greeting begins with; HTTP/2 begins with "PRI ". */
const GREETING = Buffer.from('FAS1');
const TOKEN_CHARACTERS = 32;
/** Longest wait for the first bytes of a connection. */
const GREETING_TIMEOUT_MS = 10_000;

/** The first bytes on a socket of values. */
export function greeting(token: string): Buffer {
  return Buffer.concat([GREETING, Buffer.from(token)]);
}

export interface Invitation {
  readonly token: string;
  /** Resolves when the guest has come. */
  readonly socket: Promise<Socket>;
  /** The token is worth nothing any more; a guest that has come is hung up on. */
  readonly revoke: () => void;
}

export interface SocketDoor {
  readonly port: number;
  /** Name of the abstract Unix socket, without its leading zero byte; undefined where the system has none. */
  readonly unixName: string | undefined;
  invite(): Invitation;
  /** Stops listening and hangs up on everyone who is not gRPC's. */
  close(): void;
}

export interface SocketDoorOptions {
  readonly host: string;
  readonly port?: number | undefined;
  /** Takes the connections that are not ours. */
  readonly onGrpc: (socket: Socket) => void;
}

/**
 * Listens on a port of a host; 0 takes any free one.
 *
 * @throws TrainingError CONFIG_INVALID when it cannot listen there
 */
export async function openSocketDoor({ host, port = 0, onGrpc }: SocketDoorOptions): Promise<SocketDoor> {
  const expected = new Map<string, (socket: Socket) => void>();
  const present = new Set<Socket>();
  const admit = (socket: Socket, token: string): void => {
    const accept = expected.get(token);
    if (accept === undefined) {
      socket.destroy();
      return;
    }
    expected.delete(token);
    accept(socket);
  };
  const enter = (socket: Socket): void => {
    present.add(socket);
    socket.once('close', () => present.delete(socket));
  };
  // gRPC's own listener leaves Nagle's algorithm on, and the last piece of every chunk would wait for a delayed acknowledgement.
  const tcp = createServer({ noDelay: true }, (socket) => {
    enter(socket);
    greet(socket, (token) => {
      if (token !== undefined) {
        admit(socket, token);
        return;
      }
      present.delete(socket);
      onGrpc(socket);
    });
  });
  await listen(tcp, { host, port });
  const unixName = process.platform === 'linux' ? `facet-${randomBytes(12).toString('hex')}` : undefined;
  const unix = createServer((socket) => {
    enter(socket);
    greet(socket, (token) => {
      admit(socket, token ?? '');
    });
  });
  if (unixName !== undefined) await listen(unix, { path: abstractPath(unixName) });

  return {
    port: (tcp.address() as AddressInfo).port,
    unixName,
    invite() {
      const token = randomBytes(TOKEN_CHARACTERS / 2).toString('hex');
      let guest: Socket | undefined;
      const socket = new Promise<Socket>((resolve) => {
        expected.set(token, (arrived) => {
          guest = arrived;
          resolve(arrived);
        });
      });
      return {
        token,
        socket,
        revoke() {
          expected.delete(token);
          guest?.destroy();
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

/** Reads the first bytes of a connection; without our greeting they are put back and the token is undefined. */
function greet(socket: Socket, onGreeted: (token: string | undefined) => void): void {
  const timer = setTimeout(() => socket.destroy(), GREETING_TIMEOUT_MS);
  let isOurs = false;
  const onReadable = (): void => {
    if (!isOurs) {
      const head = socket.read(GREETING.length) as Buffer | null;
      if (head === null) return;
      isOurs = head.equals(GREETING);
      if (!isOurs) {
        finish();
        socket.unshift(head);
        onGreeted(undefined);
        return;
      }
    }
    const token = socket.read(TOKEN_CHARACTERS) as Buffer | null;
    if (token === null) return;
    finish();
    socket.resume();
    onGreeted(token.toString('latin1'));
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

function listen(server: Server, where: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const at = 'host' in where ? where.host : 'a Unix socket';
      reject(
        new TrainingError('CONFIG_INVALID', `a worker cannot listen on ${at}: ${error.message}`, { cause: error }),
      );
    });
    server.listen(where, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}
