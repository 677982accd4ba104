import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isProcessAlive } from './process-identity.js';
import { lockRun, takeOverRun } from './run-lock.js';

/** Larger than any process id that Linux gives out. */
const GONE = 2 ** 30;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-lock-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const leave = (pid: number, host: string): Promise<void> =>
  writeFile(join(folder, 'lock'), JSON.stringify({ pid, host }));

describe('isProcessAlive', () => {
  it('counts a killed process that nobody has collected yet as gone', async () => {
    // The shell starts a child, becomes a process that never waits for it, and then the child ends: a zombie.
    const parent = spawn('sh', ['-c', 'cat <&3 & echo $!; exec sleep 30'], {
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    });
    try {
      const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
      const pid = Number(line.toString());
      const isSleeping = (): boolean => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n';
      await vi.waitUntil(isSleeping, { timeout: 10_000, interval: 5 });
      (parent.stdio[3] as Writable).end();
      await vi.waitUntil(() => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '), { timeout: 10_000 });
      expect(isProcessAlive({ pid })).toBe(false);
      expect(isProcessAlive({ pid: parent.pid! })).toBe(true);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});

describe('lockRun', () => {
  it('keeps a second one out until it is released, and leaves nothing behind', async () => {
    const lock = await lockRun(folder);
    expect(JSON.parse(await readFile(join(folder, 'lock'), 'utf8'))).toMatchObject({
      pid: process.pid,
      host: hostname(),
    });
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
    [
      'another process that has the id now',
      () => writeFile(join(folder, 'lock'), JSON.stringify({ pid: process.ppid, host: hostname(), startTicks: 1 })),
    ],
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

  it('is lost to one that may take it over; the one before sees it and leaves the new lock alone', async () => {
    const lock = await lockRun(folder);
    expect(await lock.isHeld()).toBe(true);
    const other = await takeOverRun(folder);
    expect([await lock.isHeld(), await other.isHeld()]).toEqual([false, true]);
    await lock.release();
    expect(await other.isHeld()).toBe(true);
    await other.release();
    expect(await readdir(folder)).toEqual([]);
  });
});
