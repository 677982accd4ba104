/** An HTTP proxy in front of a server: it answers what a test tells it, or passes a request on. */
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CannedAnswer {
  readonly status: number;
  readonly code: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `lose`: the server does what it is asked, and its answer is lost. `cut`: the body ends early. */
export type Verdict = 'pass' | 'lose' | 'cut' | CannedAnswer;

export interface FaultyProxy {
  readonly endpoint: string;
  readonly requests: { readonly method: string; readonly url: string }[];
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startProxy(target: string, judge: (request: IncomingMessage) => Verdict): Promise<FaultyProxy> {
  const requests: { method: string; url: string }[] = [];
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    requests.push({ method, url });
    const verdict = judge(request);
    if (typeof verdict === 'object') {
      request.resume();
      request.once('end', () => answer(response, verdict));
      return;
    }
    const { hostname, port } = new URL(target);
    // The signature is over the host that the client asked for.
    const passed = send({ hostname, port, method, path: url, headers }, (reply) => {
      if (verdict === 'lose') {
        reply.resume();
        reply.once('end', () => response.destroy());
        return;
      }
      response.writeHead(reply.statusCode ?? 500, reply.headers);
      if (verdict === 'pass') reply.pipe(response);
      else
        reply.once('data', (piece: Buffer) => {
          response.write(piece.subarray(0, piece.length >> 1), () => response.destroy());
        });
    });
    passed.once('error', () => response.destroy());
    request.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(response: ServerResponse, { status, code, headers = {} }: CannedAnswer): void {
  response.writeHead(status, { 'content-type': 'application/xml', ...headers });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>told to</Message></Error>`);
}
