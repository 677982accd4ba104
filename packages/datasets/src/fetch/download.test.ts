import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { serve, temporaryFolder } from '../../test/fixtures.js';
import { startProxy } from '../../../shared/test/forward-proxy.js';
import { downloadFile, type DownloadRequest } from './download.js';

const CONTENT = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) >> 5));
const MD5 = createHash('md5').update(CONTENT).digest('hex');

/** Answers with the asked range of CONTENT; records the asked ranges. */
function rangeServer(asked: (string | undefined)[]): RequestListener {
  return (request, response) => {
    asked.push(request.headers.range);
    answerRange(request, response).end(CONTENT.subarray(startOf(request)));
  };
}

function startOf(request: IncomingMessage): number {
  return Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
}

function answerRange(request: IncomingMessage, response: ServerResponse): ServerResponse {
  const start = startOf(request);
  const length = { 'content-length': CONTENT.length - start };
  if (start === 0) return response.writeHead(200, length);
  if (start >= CONTENT.length) return response.writeHead(416);
  const range = `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}`;
  return response.writeHead(206, { ...length, 'content-range': range });
}

async function requestOf(url: string, changes: Partial<DownloadRequest> = {}): Promise<DownloadRequest> {
  const path = join(await temporaryFolder(), 'downloads', 'file');
  return {
    url,
    path,
    md5: MD5,
    connectTimeoutMs: 5000,
    idleTimeoutMs: 5000,
    env: {},
    onBytes: () => undefined,
    ...changes,
  };
}

/** A request whose `.part` already holds something. */
async function requestWithPart(url: string, part: Uint8Array): Promise<DownloadRequest> {
  const path = join(await temporaryFolder(), 'file');
  await writeFile(`${path}.part`, part);
  return requestOf(url, { path });
}

describe('downloadFile', () => {
  it('brings the file and reports growing byte counts up to the total', async () => {
    const reports: [number, number | null][] = [];
    const onBytes = (done: number, total: number | null): void => void reports.push([done, total]);
    const request = await requestOf(await serve(rangeServer([])), { onBytes });
    await downloadFile(request);
    expect((await readFile(request.path)).equals(CONTENT)).toBe(true);
    expect(await readdir(join(request.path, '..'))).toEqual(['file']);
    expect(reports.length).toBeGreaterThan(1);
    expect(reports.map(([done]) => done)).toEqual(reports.map(([done]) => done).toSorted((a, b) => a - b));
    expect(reports.at(-1)).toEqual([CONTENT.length, CONTENT.length]);
  });

  it('asks for the rest when the connection is cut', async () => {
    const asked: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      asked.push(request.headers.range);
      const start = startOf(request);
      const isWhole = asked.length === 3;
      const piece = CONTENT.subarray(start, isWhole ? undefined : start + 1_000_000);
      answerRange(request, response).write(piece, () => (isWhole ? response.end() : response.destroy()));
    });
    const request = await requestOf(url);
    await downloadFile(request);
    expect((await readFile(request.path)).equals(CONTENT)).toBe(true);
    expect(asked).toHaveLength(3);
    expect(asked[0]).toBeUndefined();
    expect(asked.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
  });

  it('goes on from the part that an earlier fetch left', async () => {
    const asked: (string | undefined)[] = [];
    const request = await requestWithPart(await serve(rangeServer(asked)), CONTENT.subarray(0, 2_500_000));
    await downloadFile(request);
    expect((await readFile(request.path)).equals(CONTENT)).toBe(true);
    expect(asked).toEqual(['bytes=2500000-']);
  });

  it('accepts a part that is already whole', async () => {
    const asked: (string | undefined)[] = [];
    const request = await requestWithPart(await serve(rangeServer(asked)), CONTENT);
    await downloadFile(request);
    expect(asked).toEqual(['bytes=3000000-']);
  });

  it('starts again, once, when the part of an earlier fetch was damaged', async () => {
    const asked: (string | undefined)[] = [];
    const request = await requestWithPart(await serve(rangeServer(asked)), new Uint8Array(1000));
    await downloadFile(request);
    expect((await readFile(request.path)).equals(CONTENT)).toBe(true);
    expect(asked).toEqual(['bytes=1000-', undefined]);
  });

  it('writes from the beginning when the server knows no ranges', async () => {
    const url = await serve((_, response) => response.end(CONTENT));
    const request = await requestWithPart(url, new Uint8Array(CONTENT.length + 5000));
    await downloadFile(request);
    expect((await readFile(request.path)).equals(CONTENT)).toBe(true);
  });

  it('asks for nothing when the file is there and right', async () => {
    const request = await requestOf('http://127.0.0.1:1/unreachable', { path: join(await temporaryFolder(), 'file') });
    await writeFile(request.path, CONTENT);
    await expect(downloadFile(request)).resolves.toBeUndefined();
  });

  it('keeps nothing of a file with the wrong digest', async () => {
    const request = await requestOf(await serve((_, response) => response.end('not it')));
    await expect(downloadFile(request)).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message:
        `${request.url} has md5 ${createHash('md5').update('not it').digest('hex')} over 6 bytes, ` +
        `expected ${MD5}; it was deleted, so fetch it again`,
    });
    expect(await readdir(join(request.path, '..'))).toEqual([]);
  });

  it('names the status when the server refuses', async () => {
    const request = await requestOf(await serve((_, response) => response.writeHead(404).end()));
    await expect(downloadFile(request)).rejects.toMatchObject({
      code: 'DATASET_UNAVAILABLE',
      message: `${request.url} answered with status 404, expected 200, or 206 from byte 0`,
    });
  });

  it('gives up on a server that accepts and never answers', async () => {
    const request = await requestOf(await serve(() => undefined), { connectTimeoutMs: 50 });
    await expect(downloadFile(request)).rejects.toThrow(`${request.url} did not answer within 50 ms`);
  });

  it('gives up on a server that stalls, and keeps the part', async () => {
    const url = await serve((request, response) => {
      answerRange(request, response).write(startOf(request) === 0 ? CONTENT.subarray(0, 1000) : '');
      response.flushHeaders();
    });
    const request = await requestOf(url, { idleTimeoutMs: 250 });
    await expect(downloadFile(request)).rejects.toThrow(`${request.url} sent nothing for 250 ms`);
    expect((await readFile(`${request.path}.part`)).equals(CONTENT.subarray(0, 1000))).toBe(true);
  });

  it('comes through the proxy of the environment', async () => {
    const proxy = await startProxy();
    const request = await requestOf(await serve(rangeServer([])), { env: { http_proxy: proxy.url } });
    await downloadFile(request);
    expect((await readFile(request.path)).equals(CONTENT)).toBe(true);
    expect(proxy.asked).toEqual([new URL(request.url).host]);
  });

  it('names the proxy that does not answer in time', async () => {
    const url = await serve(() => undefined);
    const http_proxy = await serve(() => undefined);
    const request = await requestOf(url, { env: { http_proxy }, connectTimeoutMs: 50 });
    await expect(downloadFile(request)).rejects.toMatchObject({
      code: 'DATASET_UNAVAILABLE',
      message: expect.stringContaining(`through the proxy ${http_proxy} (http_proxy): ${url} did not answer within`),
    });
  });

  it('stops when aborted, and keeps the part', async () => {
    const controller = new AbortController();
    const url = await serve(
      (request, response) => void answerRange(request, response).write(CONTENT.subarray(0, 1.5e6)),
    );
    const onBytes = (): void => controller.abort(new Error('enough'));
    const request = await requestOf(url, { onBytes, signal: controller.signal });
    await expect(downloadFile(request)).rejects.toThrow('enough');
    expect((await readFile(`${request.path}.part`)).length).toBeGreaterThanOrEqual(1 << 20);
  });
});
