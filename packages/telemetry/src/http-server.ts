/**
 * The small HTTP server of a process: /metrics for Prometheus, /healthz for probes, and whatever JSON routes the process
 * adds. It serves reads only and never blocks the end of a process: closing ends open connections too.
 *
 * Nothing that arrives may end the process. Paths are looked up and never parsed, and a fault of a route is a 500. Anybody
 * may connect, so sizes, connections and waiting have limits.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
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

const DEFAULT_LIMITS: HttpLimits = { headerBytes: 8_192, connections: 128, requestMs: 5_000, silenceMs: 15_000 };

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly registry: Registry;
  /** Path -> a JSON value, computed per request. */
  readonly routes?: Readonly<Record<string, () => unknown>>;
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

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
  const { host } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const answer = createAnswers(options);
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.requestMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.ceil(limits.requestMs / 2),
    },
    (request, response) => {
      respond(request, response, answer);
    },
  );
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

/** Sends one answer. A client that goes away meanwhile is no fault, so its socket's errors are dropped. */
function respond(request: IncomingMessage, response: ServerResponse, answer: (path: string) => Promise<Answer>): void {
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
  answer(requestPath(request.url ?? '/')).then(send, () => {
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

function createAnswers({ registry, routes = {} }: HttpServerOptions): (path: string) => Promise<Answer> {
  const table = new Map<string, () => Answer | Promise<Answer>>([
    ['/metrics', async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() })],
    ['/healthz', () => text(200, 'ok')],
  ]);
  for (const [path, value] of Object.entries(routes)) {
    table.set(path, () => ({ status: 200, type: 'application/json', body: `${JSON.stringify(value())}\n` }));
  }
  const missing = text(404, `nothing is here; there is ${[...table.keys()].join(' ')}`);
  return async (path) => (await table.get(path)?.()) ?? missing;
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
