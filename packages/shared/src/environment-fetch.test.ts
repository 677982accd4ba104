import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startProxy } from '../test/forward-proxy.js';
import { environmentFetch } from './environment-fetch.js';

async function startOrigin(): Promise<{ readonly url: string; readonly host: string; readonly seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.headers.range}`);
    response.end('the body');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: `http://${host}/file`, host, seen };
}

async function bodyOf(url: string, env: Record<string, string>): Promise<string> {
  const response = await environmentFetch(url, { headers: { range: 'bytes=1-' } }, env);
  return response.text();
}

test.each(['http_proxy', 'HTTP_PROXY'])('%s: the request goes through the proxy, with its headers', async (name) => {
  const [origin, proxy] = [await startOrigin(), await startProxy()];
  expect(await bodyOf(origin.url, { [name]: proxy.url })).toBe('the body');
  expect(proxy.asked).toEqual([origin.host]);
  expect(origin.seen).toEqual(['bytes=1-']);
});

test.each(['https_proxy', 'HTTPS_PROXY', 'http_proxy'])('%s: https asks it for a tunnel', async (name) => {
  const proxy = await startProxy(403);
  const shown = `the proxy ${proxy.url} (${name}): Proxy response (403)`;
  await expect(bodyOf('https://a.test/file', { [name]: proxy.url })).rejects.toThrow(shown);
  expect(proxy.asked).toEqual(['a.test:443']);
});

test('https_proxy alone says nothing about http', async () => {
  const [origin, proxy] = [await startOrigin(), await startProxy()];
  expect(await bodyOf(origin.url, { https_proxy: proxy.url })).toBe('the body');
  expect(proxy.asked).toEqual([]);
});

test.each(['no_proxy', 'NO_PROXY'])('%s: hosts that it names are reached directly', async (name) => {
  const [origin, proxy] = [await startOrigin(), await startProxy()];
  for (const hosts of ['127.0.0.1', origin.host, 'a.test, 127.0.0.1', '*']) {
    expect(await bodyOf(origin.url, { http_proxy: proxy.url, [name]: hosts })).toBe('the body');
  }
  expect(proxy.asked).toEqual([]);
  expect(await bodyOf(origin.url, { http_proxy: proxy.url, [name]: 'a.test' })).toBe('the body');
  expect(proxy.asked).toEqual([origin.host]);
});

test('small letters win, also when they name nothing; a scheme may be left out', async () => {
  const [origin, proxy] = [await startOrigin(), await startProxy()];
  const HTTP_PROXY = 'http://127.0.0.1:1';
  expect(await bodyOf(origin.url, { http_proxy: '', HTTP_PROXY })).toBe('the body');
  expect(proxy.asked).toEqual([]);
  expect(await bodyOf(origin.url, { http_proxy: new URL(proxy.url).host, HTTP_PROXY })).toBe('the body');
  expect(proxy.asked).toEqual([origin.host]);
});

test('a login in the address is used and never shown', async () => {
  const proxy = await startProxy(407);
  const env = { http_proxy: proxy.url.replace('//', '//me:secret@') };
  const failure = await bodyOf('http://a.test/file', env).catch(String);
  expect(proxy.logins).toEqual([`Basic ${Buffer.from('me:secret').toString('base64')}`]);
  expect(failure).toContain('Proxy response (407)');
  expect(failure).not.toContain('secret');
});

test('a proxy that cannot be reached is named; a host that needs none is not blamed on it', async () => {
  const env = { http_proxy: 'http://127.0.0.1:1' };
  await expect(bodyOf('http://a.test/file', env)).rejects.toThrow(
    'http://a.test/file could not be fetched through the proxy http://127.0.0.1:1 (http_proxy): ' +
      'connect ECONNREFUSED 127.0.0.1:1; correct or unset http_proxy, or name the host in no_proxy',
  );
  const direct = await bodyOf('http://127.0.0.1:2/file', { ...env, no_proxy: '127.0.0.1' }).catch(String);
  expect(direct).toBe('TypeError: fetch failed');
});

test.each(['socks5://127.0.0.1:1080', 'http://'])('%s is no proxy that can be used', async (http_proxy) => {
  await expect(bodyOf('http://a.test/file', { http_proxy })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `http_proxy: '${http_proxy}' is not the address of a proxy that can be used, expected http://HOST:PORT or https://HOST:PORT`,
  });
});
