/**
 * The small HTTP server of a process: /metrics for Prometheus, /healthz and /readyz for probes, and whatever JSON routes the
 * process adds. It serves reads only and never blocks the end of a process: closing ends open connections too. It listens on
 * a port of its own, or is given connections that came to another one.
 *
 * Nothing that arrives may end the process. Paths are looked up and never parsed, and a fault of a route is a 500. Anybody
 * may connect, so sizes, connections and waiting have limits. With TLS or a login, who asks must show a certificate or the
 * login; the answers for probes are for everybody.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { endWhenRevoked, judgeClient, type HttpLogin, type Role, type TlsIdentity } from '@facet/security';
import { TrainingError } from '@facet/shared';
import type { Registry } from 'prom-client';

/** Limits of the server; the defaults suit Prometheus, probes and a few watchers. */
export interface HttpLimits {
  /** All headers of one request together; a longer request is answered with 431. */
  readonly headerBytes: number;
  /** Connections at a time; another one is closed at once. */
  readonly connections: number;
  /** A request that has not arrived after this time is answered with 408. */
  readonly requestMs: number;
  /** A connection on which nothing moves for this long is closed: a client that does not read its answer. */
  readonly silenceMs: number;
}

/** Longest handshake of TLS. */
const HANDSHAKE_MS = 5_000;
const DEFAULT_LIMITS: HttpLimits = { headerBytes: 8_192, connections: 128, requestMs: 5_000, silenceMs: 15_000 };

/** Who may read. */
export interface HttpAccess {
  /** Absent: in the open. Without a login, who asks must show a certificate. */
  readonly tls?: TlsIdentity | undefined;
  /** Absent: without TLS everybody may read. */
  readonly login?: HttpLogin | undefined;
}

/** Answers a request for one path by itself: with a file, or with a stream that stays open. */
export type PageHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface HttpServiceOptions extends HttpAccess {
  readonly registry: Registry;
  /** Path -> a JSON value, computed per request. */
  readonly routes?: Readonly<Record<string, () => unknown>>;
  /** What answers for a path that nothing else answers for; undefined for one that is not there. */
  readonly pages?: ((path: string) => PageHandler | undefined) | undefined;
  /** Why the process is not ready, in one line; undefined when it is. Default: it is ready while it lives. */
  readonly whyNotReady?: () => string | undefined;
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpServerOptions extends HttpServiceOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** The answers without a port. */
export interface HttpService {
  /** Takes a connection on which a client speaks HTTP/1. One with TLS is decrypted, and its certificate is judged here. */
  readonly accept: (socket: Socket) => void;
  close(): void;
}

export interface HttpServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Whoever takes part in a run may look at it, and whoever was given a certificate for that. */
const READERS: readonly Role[] = ['status', 'operator', 'coordinator', 'worker'];
/** Whether the process lives: its event loop turns, so that it answers. */
const ALIVE = '/healthz';
/** Whether it does its part of a run. */
const READY = '/readyz';
/** A probe of a container has neither certificate nor login. */
const FOR_EVERYBODY: readonly string[] = [ALIVE, READY];

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * Starts the server.
 *
 * @throws TrainingError PORT_BUSY naming the port when it is taken.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, tls } = options;
  const { bounds, limits, listener } = createListener(options);
  const server = tls === undefined ? createServer(bounds, listener) : secureServer(tls, bounds, listener);
  server.maxConnections = limits.connections;
  server.setTimeout(limits.silenceMs);
  await listen(server, host, options.port);
  return {
    host,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** The answers for connections that come to a port of somebody else's. */
export function createHttpService(options: HttpServiceOptions): HttpService {
  const { bounds, limits, listener } = createListener(options);
  const server = createServer(bounds, listener);
  server.setTimeout(limits.silenceMs);
  // Node begins to check the deadlines of requests when a server listens, which this one never does.
  server.emit('listening');
  const present = new Set<Socket>();
  return {
    accept(socket) {
      if (present.size >= limits.connections) {
        socket.destroy();
        return;
      }
      present.add(socket);
      socket.once('close', () => present.delete(socket));
      server.emit('connection', socket);
    },
    close() {
      // It has no port to close; this ends the checks.
      server.close(() => undefined);
      for (const socket of present) socket.destroy();
    },
  };
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

function createListener(options: HttpServiceOptions): {
  readonly limits: HttpLimits;
  /** The limits, as a server of Node takes them. */
  readonly bounds: object;
  readonly listener: Listener;
} {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const answer = createAnswers(options);
  const bounds = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.requestMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: Math.ceil(limits.requestMs / 2),
  };
  const listener: Listener = (request, response) => {
    const path = requestPath(request.url ?? '/');
    const refusal = FOR_EVERYBODY.includes(path) ? undefined : refusalOf(request, options);
    if (refusal?.status === 401) response.setHeader('www-authenticate', options.login?.challenge ?? '');
    const page = refusal === undefined && request.method === 'GET' ? options.pages?.(path) : undefined;
    if (page !== undefined && !answer.has(path)) serve(page, request, response);
    else respond(request, response, refusal === undefined ? () => answer.of(path) : () => Promise.resolve(refusal));
  };
  return { limits, bounds, listener };
}

function secureServer(tls: TlsIdentity, bounds: object, listener: Listener): Server {
  let material = tls.current();
  const optionsOf = (files: TlsOptions): TlsOptions => ({
    ...files,
    minVersion: 'TLSv1.3',
    // Who shows a wrong one is told so by HTTP.
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  const server = createTlsServer({ ...bounds, ...optionsOf(material.files), handshakeTimeout: HANDSHAKE_MS }, listener);
  // Before Node's own listener, which begins the handshake.
  server.prependListener('connection', () => {
    if (tls.current() === material) return;
    material = tls.current();
    server.setSecureContext(optionsOf(material.files));
  });
  // It would be judged by the outcome of its handshake as long as it asks on the same connection.
  server.on('secureConnection', (socket) => {
    endWhenRevoked(tls, socket);
  });
  return server;
}

/** Why a request is not answered; undefined when it is. */
function refusalOf({ socket, headers }: IncomingMessage, { tls, login }: HttpAccess): Answer | undefined {
  if (login?.accepts(headers.authorization) === true) return undefined;
  if (tls !== undefined) {
    const verdict = judgeClient(socket as TLSSocket, READERS);
    if (verdict.ok) return undefined;
    if (login === undefined) return text(403, verdict.reason);
  }
  return login === undefined ? undefined : text(401, 'this port asks for a login');
}

/** Has a page answer. What fails after its answer began ends the connection. */
function serve(page: PageHandler, request: IncomingMessage, response: ServerResponse): void {
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  const fail = (): void => {
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { 'content-type': 'text/plain' }).end('the page cannot be made\n');
  };
  Promise.resolve()
    .then(() => page(request, response))
    .catch(fail);
}

/** Sends one answer. A client that goes away meanwhile is no fault, so its socket's errors are dropped. */
function respond(request: IncomingMessage, response: ServerResponse, answer: () => Promise<Answer>): void {
  const send = ({ status, type, body }: Answer): void => {
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
  };
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  if (request.method !== 'GET') {
    // The body of such a request is not read, so nothing more can follow it on this connection.
    response.setHeader('connection', 'close');
    send(text(405, 'only GET is served here'));
    return;
  }
  answer().then(send, () => {
    send(text(500, 'the value cannot be computed'));
  });
}

/**
 * The path of a request target, without query: `/status?x` and `http://host/status` are both `/status`. No URL is parsed:
 * `new URL` throws on targets that HTTP allows.
 */
function requestPath(target: string): string {
  const [path = ''] = target.replace(/^https?:\/\/[^/?#]*/i, '').split(/[?#]/, 1);
  return path === '' ? '/' : path;
}

interface Answers {
  has(path: string): boolean;
  of(path: string): Promise<Answer>;
}

function createAnswers({ registry, routes = {}, whyNotReady = () => undefined }: HttpServiceOptions): Answers {
  const table = new Map<string, () => Answer | Promise<Answer>>([
    ['/metrics', async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() })],
    [ALIVE, () => text(200, 'ok')],
    [READY, () => readiness(whyNotReady())],
  ]);
  for (const [path, value] of Object.entries(routes)) {
    table.set(path, () => ({ status: 200, type: 'application/json', body: `${JSON.stringify(value())}\n` }));
  }
  const missing = text(404, `nothing is here; there is ${[...table.keys()].join(' ')}`);
  return { has: (path) => table.has(path), of: async (path) => (await table.get(path)?.()) ?? missing };
}

function readiness(reason: string | undefined): Answer {
  return reason === undefined ? text(200, 'ready') : text(503, reason);
}

function text(status: number, line: string): Answer {
  return { status, type: 'text/plain', body: `${line}\n` };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      reject(
        error.code === 'EADDRINUSE'
          ? new TrainingError(
              'PORT_BUSY',
              `port ${port} on ${host} is in use; choose another one, or 0 for any free port`,
              { cause: error },
            )
          : new TrainingError('CONFIG_INVALID', `cannot listen on ${host}:${port}: ${error.message}`, { cause: error }),
      );
    };
    // The listener stays: a connection that cannot be accepted (no file descriptor is left) is an event of the server too.
    server.on('error', refuse);
    server.listen(port, host, resolve);
  });
}
