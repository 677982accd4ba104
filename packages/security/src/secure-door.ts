/**
 * The entrance of every port of ours. Without an identity each connection is let in as it is. With one it must speak TLS 1.3
 * and show a certificate for a role that the port admits; then what comes out is the decrypted connection. A place is taken
 * before the handshake begins, so that strangers cannot make us compute without bound.
 */
import { constants } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { EXPLAIN_PROTOCOL } from './explain-failure.js';
import { judgeClient } from './peer-verdict.js';
import type { Role } from './roles.js';
import { endWhenRevoked, type TlsIdentity } from './tls-identity.js';

/** HTTP/1 as TLS names it. */
const HTTP = 'http/1.1';
/** Longest handshake. */
const HANDSHAKE_MS = 10_000;
/** Who is told why it is refused has so long to read it. */
const FAREWELL_MS = 1_000;
/** Refusals are told at most so often. */
const TELL_EVERY_MS = 1_000;

/** A connection that was not let in. */
export interface RefusedConnection {
  readonly address: string;
  readonly reason: string;
  /** Refusals since the one told before that were not told. */
  readonly untold: number;
}

export interface DoorOptions {
  /** Absent: connections are not encrypted. */
  readonly tls?: TlsIdentity | undefined;
  /** Roles that may come in. */
  readonly admits: readonly Role[];
  /** Takes a place for a connection; false if there is none and it was hung up on. */
  readonly enter: (socket: Socket) => boolean;
  readonly onConnection: (socket: Socket) => void;
  /**
   * Takes decrypted connections whose client asks for HTTP/1 (ALPN), without a look at their certificates: probes have none.
   * Absent: there is no HTTP/1 at this port.
   */
  readonly onHttp?: ((socket: Socket) => void) | undefined;
  readonly onRefused?: ((refusal: RefusedConnection) => void) | undefined;
}

export interface Door {
  /** To listen with; nothing else is done with it. */
  readonly server: Server;
  /** Stops listening, and hangs up on everyone who is not in yet. */
  close(): void;
}

export function createDoor(options: DoorOptions): Door {
  const { tls, enter, onConnection, onHttp } = options;
  /** By their addresses, which a decrypted connection has as well. */
  const atTheDoor = new Map<string, Socket>();
  const handshake =
    tls === undefined
      ? undefined
      : createHandshake(tls, {
          ...options,
          onConnection: (socket) => {
            atTheDoor.delete(addressOf(socket));
            onConnection(socket);
          },
          ...(onHttp !== undefined && {
            onHttp: (socket: Socket) => {
              atTheDoor.delete(addressOf(socket));
              onHttp(socket);
            },
          }),
        });
  // Nagle's algorithm would hold back the last piece of every message.
  const server = createServer({ noDelay: true }, (socket) => {
    // Whose connection breaks is told to its users by `close`.
    socket.on('error', () => undefined);
    if (!enter(socket)) return;
    if (handshake === undefined) {
      onConnection(socket);
      return;
    }
    const address = addressOf(socket);
    atTheDoor.set(address, socket);
    socket.once('close', () => atTheDoor.delete(address));
    handshake(socket);
  });
  return {
    server,
    close() {
      server.close();
      for (const socket of atTheDoor.values()) socket.destroy();
    },
  };
}

function createHandshake(
  tls: TlsIdentity,
  { admits, onConnection, onHttp, onRefused }: DoorOptions,
): (socket: Socket) => void {
  const tell = createTeller(onRefused);
  let material = tls.current();
  // A client that speaks both, as Prometheus does, is to speak HTTP/1: our HTTP/2 is gRPC alone.
  const protocols = [...(onHttp === undefined ? [] : [HTTP]), 'h2', EXPLAIN_PROTOCOL];
  const server = createTlsServer(serverOptions(material.files, protocols), (socket) => {
    socket.on('error', () => undefined);
    if (onHttp !== undefined && socket.alpnProtocol === HTTP) {
      endWhenRevoked(tls, socket);
      onHttp(socket);
      return;
    }
    const verdict = judgeClient(socket, admits);
    if (!verdict.ok) tell(addressOf(socket), verdict.reason);
    if (socket.alpnProtocol === EXPLAIN_PROTOCOL) {
      dismiss(socket, verdict.ok ? 'welcome' : verdict.reason);
      return;
    }
    if (!verdict.ok) {
      socket.destroy();
      return;
    }
    endWhenRevoked(tls, socket);
    onConnection(socket);
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const reason = handshakeFault(error);
    if (reason !== undefined) tell(addressOf(socket), reason);
    socket.destroy();
  });
  return (socket) => {
    const now = tls.current();
    if (now !== material) {
      material = now;
      server.setSecureContext(serverOptions(now.files, protocols));
    }
    server.emit('connection', socket);
  };
}

/**
 * Whoever has a wrong certificate gets through the handshake, so that it can be told. Nobody resumes a session: it would be
 * judged by the certificate and the list of revoked ones of before.
 */
function serverOptions(files: TlsOptions, protocols: string[]): TlsOptions {
  return {
    ...files,
    minVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_TICKET,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: protocols,
    handshakeTimeout: HANDSHAKE_MS,
  };
}

function addressOf(socket: Socket): string {
  return `${socket.remoteAddress ?? 'an address that is gone'}:${socket.remotePort ?? ''}`;
}

/** What a client did that is no handshake; undefined for one that only went away, as probes of load balancers do. */
function handshakeFault({ code = '', message }: NodeJS.ErrnoException): string | undefined {
  if (code === 'ECONNRESET' || code === 'EPIPE') return undefined;
  if (
    code === 'ERR_SSL_HTTP_REQUEST' ||
    code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    code === 'ERR_SSL_HTTPS_PROXY_REQUEST'
  ) {
    return 'it speaks no TLS, and this port speaks nothing else; give it a certificate with --tls';
  }
  if (code === 'ERR_SSL_UNSUPPORTED_PROTOCOL' || code === 'ERR_SSL_NO_PROTOCOLS_AVAILABLE') {
    return 'it speaks an old version of TLS, expected TLS 1.3';
  }
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return `its handshake took more than ${HANDSHAKE_MS} ms`;
  return `its handshake failed: ${message.trim()}`;
}

/** Says one line to a peer and hangs up. */
function dismiss(socket: TLSSocket, line: string): void {
  const timer = setTimeout(() => socket.destroy(), FAREWELL_MS);
  socket.once('close', () => {
    clearTimeout(timer);
  });
  socket.resume();
  socket.end(`${line}\n`);
}

function createTeller(onRefused: DoorOptions['onRefused']): (address: string, reason: string) => void {
  let toldMs = -Infinity;
  let untold = 0;
  return (address, reason) => {
    const now = performance.now();
    if (now - toldMs < TELL_EVERY_MS) {
      untold += 1;
      return;
    }
    onRefused?.({ address, reason, untold });
    toldMs = now;
    untold = 0;
  };
}
