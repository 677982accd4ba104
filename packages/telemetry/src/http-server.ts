/**
 * The small HTTP server of a process: /metrics for Prometheus, /healthz for probes, and whatever JSON routes the process
 * adds. It serves reads only and never blocks the end of a process: closing ends open connections too.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TrainingError } from '@facet/shared';
import type { Registry } from 'prom-client';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly registry: Registry;
  /** Path -> a JSON value, computed per request. */
  readonly routes?: Readonly<Record<string, () => unknown>>;
}

export interface HttpServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Starts the server.
 *
 * @throws TrainingError PORT_BUSY naming the port when it is taken.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, registry, routes = {} } = options;
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const answer = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'content-type': type }).end(body);
    };
    if (request.method !== 'GET') {
      answer(405, 'text/plain', 'only GET is served here\n');
    } else if (path === '/metrics') {
      registry.metrics().then(
        (text) => {
          answer(200, registry.contentType, text);
        },
        (error: unknown) => {
          answer(500, 'text/plain', `${String(error)}\n`);
        },
      );
    } else if (path === '/healthz') {
      answer(200, 'text/plain', 'ok\n');
    } else {
      const route = routes[path];
      if (route === undefined)
        answer(404, 'text/plain', `nothing at ${path}; there is /metrics, /healthz ${Object.keys(routes).join(' ')}\n`);
      else answer(200, 'application/json', `${JSON.stringify(route())}\n`);
    }
  });
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

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new TrainingError(
              'PORT_BUSY',
              `port ${port} on ${host} is in use; choose another one, or 0 for any free port`,
              { cause: error },
            )
          : new TrainingError('CONFIG_INVALID', `cannot listen on ${host}:${port}: ${error.message}`, { cause: error }),
      );
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}
