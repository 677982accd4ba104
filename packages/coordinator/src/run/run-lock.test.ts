import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockRun } from './run-lock.js';

/** Larger than any process id that Linux gives out. */
const GONE = 2 ** 30;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-lock-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const leave = (pid: number, host: string): Promise<void> =>
  writeFile(join(folder, 'lock'), JSON.stringify({ pid, host }));

describe('lockRun', () => {
  it('keeps a second one out until it is released, and leaves nothing behind', async () => {
    const lock = await lockRun(folder);
    expect(JSON.parse(await readFile(join(folder, 'lock'), 'utf8'))).toEqual({ pid: process.pid, host: hostname() });
    await expect(lockRun(folder)).rejects.toMatchObject({
      code: 'RUN_LOCKED',
      message: expect.stringContaining(String(process.pid)),
    });
    await lock.release();
    await (await lockRun(folder)).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ['a process that is gone', () => leave(GONE, hostname())],
    ['this process id in an earlier life', () => leave(process.pid, hostname())],
    ['nobody, because it is torn', () => writeFile(join(folder, 'lock'), '{"pid":')],
  ])('takes over the lock of %s', async (_who, prepare) => {
    await prepare();
    await (await lockRun(folder)).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ['a process that runs', process.ppid, hostname()],
    ['a process on another machine', GONE, 'elsewhere'],
  ])('respects the lock of %s', async (_who, pid, host) => {
    await leave(pid, host);
    await expect(lockRun(folder)).rejects.toMatchObject({
      code: 'RUN_LOCKED',
      message: expect.stringContaining(`process ${pid} on ${host}`),
    });
    expect(await readdir(folder)).toEqual(['lock']);
  });
});
