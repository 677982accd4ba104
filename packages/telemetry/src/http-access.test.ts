/** Who may read metrics and status: by certificate, by login, or everybody. */
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { Agent, request as secureRequest, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpLogin, httpLoginOf, TlsIdentity } from '@facet/security';
import { initPki, type Pki } from '@facet/security/authority';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { startHttpServer, type HttpAccess, type HttpServer } from './http-server.js';

let folder: string;
let pki: Pki;
let server: HttpServer | undefined;
const at = (name: string): string => join(folder, name);
const identity = (): TlsIdentity => new TlsIdentity(at('coordinator'), { roles: ['coordinator'] });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facet-http-'));
  pki = await initPki(at('pki'), { name: 'test', days: 30 });
  for (const role of ['coordinator', 'status', 'broker'] as const) {
    await pki.issue({ grants: [{ role }], hosts: ['127.0.0.1'], days: 9 }, at(role));
  }
  const others = await initPki(at('others'), { name: 'others', days: 30 });
  await others.issue({ grants: [{ role: 'status' }], hosts: ['127.0.0.1'], days: 9 }, at('stranger'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

afterEach(async () => {
  await server?.close();
});

async function start(access: HttpAccess): Promise<number> {
  const routes = { '/status': () => ({ step: 7 }) };
  server = await startHttpServer({ host: '127.0.0.1', port: 0, registry: new Registry(), routes, ...access });
  return server.port;
}

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly challenge: string | undefined;
}

function get(port: number, path: string, { as, ...more }: { as?: string } & RequestOptions): Promise<Answered> {
  const own = as === undefined ? undefined : new TlsIdentity(at(as), { roles: ['status', 'broker'] }).current().files;
  const files = own === undefined ? {} : { cert: own.cert, key: own.key };
  const { ca } = identity().current().files;
  const options = { port, host: '127.0.0.1', path, agent: false as const, ...files, ca, ...more };
  const request = 'plain' in more ? plainRequest : secureRequest;
  return new Promise((resolve, reject) => {
    request(options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body, challenge: response.headers['www-authenticate'] });
      });
    })
      .on('error', reject)
      .end();
  });
}

describe('with a certificate', () => {
  test.each([
    ['status', 200, /"step":7/],
    ['broker', 403, /CN=broker is for the role broker, expected status or operator/],
    ['stranger', 403, /CN=status is signed by CN=others, which is not the authority/],
    [undefined, 403, /it shows no certificate, expected one for the role status/],
  ])('%s gets %i', async (as, status, body) => {
    const port = await start({ tls: identity() });
    const answer = await get(port, '/status', as === undefined ? {} : { as });
    expect(answer).toMatchObject({ status });
    expect(answer.body).toMatch(body);
  });

  it('everybody gets /healthz and nothing beside it', async () => {
    const port = await start({ tls: identity() });
    expect(await get(port, '/healthz', {})).toMatchObject({ status: 200, body: 'ok\n' });
    expect(await get(port, '/healthz?/metrics', {})).toMatchObject({ body: 'ok\n' });
    expect(await get(port, '//healthz', {})).toMatchObject({ status: 403 });
    expect(await get(port, '/metrics', {})).toMatchObject({ status: 403 });
  });

  it('ends a connection that is kept open when its certificate is revoked', async () => {
    cpSync(at('coordinator'), at('watching'), { recursive: true });
    const { serial } = await pki.issue({ grants: [{ role: 'status' }], hosts: [], days: 9 }, at('leaver'));
    const told: string[] = [];
    const identity = { roles: ['coordinator'] as const, onTrouble: (line: string) => told.push(line), lookEveryMs: 5 };
    const port = await start({ tls: new TlsIdentity(at('watching'), identity) });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await get(port, '/status', { as: 'leaver', agent })).toMatchObject({ status: 200 });
    const [socket] = Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []);
    const closed = once(socket!, 'close');
    await pki.revoke([serial]);
    copyFileSync(join(at('pki'), 'ca.crl'), join(at('watching'), 'ca.crl'));
    await closed;
    expect(await get(port, '/status', { as: 'leaver', agent })).toMatchObject({ status: 403 });
    expect(told).toEqual([
      `the certificate CN=status (serial ${serial}) was revoked; its open connections (1) are ended`,
    ]);
    agent.destroy();
  });

  it('uses a renewed certificate for the next connection', async () => {
    const port = await start({ tls: identity() });
    const { serial } = await pki.renew(at('coordinator'));
    let shown = '';
    await get(port, '/healthz', {
      checkServerIdentity: (_host, { serialNumber }) => {
        shown = serialNumber;
        return undefined;
      },
    });
    expect(shown).toBe(serial);
  });
});

describe('with a login', () => {
  test.each([
    ['scraper:s3cret-word', `Basic ${Buffer.from('scraper:s3cret-word').toString('base64')}`, 200],
    ['scraper:s3cret-word', `Basic ${Buffer.from('scraper:s3cret-wor').toString('base64')}`, 401],
    ['scraper:s3cret-word', 'Bearer scraper:s3cret-word', 401],
    ['a-long-token', 'Bearer a-long-token', 200],
    ['a-long-token', 'Bearer a-long-token2', 401],
    ['a-long-token', '', 401],
    ['a-long-token', undefined, 401],
  ])('%s and the header %s: %i', async (login, authorization, status) => {
    const headers = authorization === undefined ? {} : { authorization };
    const port = await start({ tls: identity(), login: new HttpLogin(login) });
    const answer = await get(port, '/status', { headers });
    expect(answer.status).toBe(status);
    expect(answer.body).not.toContain(login);
    if (status === 401) expect(answer.challenge).toMatch(login.includes(':') ? /^Basic / : /^Bearer /);
  });

  it('is asked for without TLS as well; a certificate does instead', async () => {
    const port = await start({ login: new HttpLogin('a-long-token') });
    expect(await get(port, '/status', { plain: true } as RequestOptions)).toMatchObject({ status: 401 });
    await server?.close();
    const secure = await start({ tls: identity(), login: new HttpLogin('a-long-token') });
    expect(await get(secure, '/status', { as: 'status' })).toMatchObject({ status: 200 });
  });

  it('comes from a file that is named in the environment', async () => {
    writeFileSync(at('login'), 'a-long-token\n');
    const login = await httpLoginOf({ FACET_HTTP_LOGIN_FILE: at('login') });
    expect(login?.accepts('Bearer a-long-token')).toBe(true);
    expect(await httpLoginOf({})).toBeUndefined();
    writeFileSync(at('short'), 'abc');
    await expect(httpLoginOf({ FACET_HTTP_LOGIN_FILE: at('short') })).rejects.toThrow(/has 3 characters, expected/);
    await expect(httpLoginOf({ FACET_HTTP_LOGIN_FILE: at('none') })).rejects.toThrow(/FACET_HTTP_LOGIN_FILE: .*none/);
  });
});
