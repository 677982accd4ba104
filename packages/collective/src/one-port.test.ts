/** The port of a worker also speaks HTTP/1, for probes and Prometheus, with TLS and without. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { credentials, status } from '@grpc/grpc-js';
import { channelTo, CHANNEL_OPTIONS, Exchange } from '@facet/proto';
import { TlsIdentity } from '@facet/security';
import { initPki } from '@facet/security/authority';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startExchangeServer, type ExchangeServer } from './exchange-server.js';

let folder: string;
let server: ExchangeServer;
const http = createServer((request, response) => {
  const { alpnProtocol } = request.socket as TLSSocket;
  response.end(`${request.method} ${request.url} ${alpnProtocol ?? 'open'}`);
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facet-one-port-'));
  const pki = await initPki(join(folder, 'pki'), { name: 'test', days: 30 });
  await pki.issue({ grants: [{ role: 'worker' }], hosts: ['127.0.0.1'], days: 9 }, join(folder, 'worker'));
});

afterAll(() => {
  http.close();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(() => {
  server.close();
});

const worker = (): TlsIdentity => new TlsIdentity(join(folder, 'worker'), { roles: ['worker'] });

async function start(tls: TlsIdentity | undefined, hasHttp = true): Promise<void> {
  server = await startExchangeServer({
    host: '127.0.0.1',
    tls,
    ...(hasHttp && { onHttp: (socket: Socket) => void http.emit('connection', socket) }),
    run: () => 'mine',
    exchangeKey: () => undefined,
    snapshot: () => undefined,
  });
}

/** Asks for a page, and gives back the last line of what comes. */
function ask(socket: Socket, method = 'GET'): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.setEncoding('latin1').on('data', (part) => (text += String(part)));
    socket
      .on('error', () => undefined)
      .on('close', () => {
        resolve(text.split('\r\n').at(-1) ?? '');
      });
    socket.write(`${method} /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  });
}

function dial(ALPNProtocols: string[] | undefined, isMember: boolean): TLSSocket {
  const { files } = worker().current();
  const own = isMember ? { cert: files.cert, key: files.key } : {};
  const protocols = ALPNProtocols === undefined ? {} : { ALPNProtocols };
  return connectTls({ port: server.port, host: '127.0.0.1', ca: files.ca, ...protocols, ...own });
}

/** How gRPC answers a pull of another run: it was understood. */
function pull(tls: TlsIdentity | undefined): Promise<number> {
  const address = `127.0.0.1:${server.port}`;
  const [at, channel, options] =
    tls === undefined
      ? ([address, credentials.createInsecure(), CHANNEL_OPTIONS] as const)
      : channelTo({ address, roles: ['worker'], tls });
  const client = new Exchange(at, channel, options);
  return new Promise((resolve) => {
    client
      .pull({ run: 'another', generation: 1, rank: 0 })
      .on('error', ({ code }: { readonly code: number }) => {
        client.close();
        resolve(code);
      })
      .resume();
  });
}

describe('without TLS', () => {
  it('tells HTTP/1 and gRPC apart by their first bytes', async () => {
    await start(undefined);
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
      expect(await ask(connect(server.port, '127.0.0.1'), method)).toBe(`${method} /readyz open`);
    }
    expect(await pull(undefined)).toBe(status.FAILED_PRECONDITION);
  });

  it('answers no HTTP/1 where nobody takes it', async () => {
    await start(undefined, false);
    expect(await ask(connect(server.port, '127.0.0.1'))).not.toContain('/readyz open');
  });
});

describe('with TLS', () => {
  it.each([[['http/1.1']], [['h2', 'http/1.1']]])(
    'takes a client that asks for %j, without a certificate',
    async (protocols) => {
      await start(worker());
      expect(await ask(dial(protocols, false))).toBe('GET /readyz http/1.1');
    },
  );

  it('takes a client that asks for no protocol if it has a certificate', async () => {
    await start(worker());
    expect(await ask(dial(undefined, true))).toBe('GET /readyz false');
    expect(await ask(dial(undefined, false))).toBe('');
  });

  it('still speaks gRPC to members', async () => {
    await start(worker());
    expect(await pull(worker())).toBe(status.FAILED_PRECONDITION);
  });

  it('lets nobody to gRPC who says that it is HTTP/1', async () => {
    await start(worker());
    const socket = dial(['http/1.1'], false);
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    const text = await new Promise<string>((resolve) => {
      let all = '';
      socket.setEncoding('latin1').on('data', (part) => (all += String(part)));
      socket
        .on('error', () => undefined)
        .on('close', () => {
          resolve(all);
        });
    });
    expect(text).not.toContain('/readyz');
    expect(text).toMatch(/^(HTTP\/1\.1 400|$)/);
  });
});
