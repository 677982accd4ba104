import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, utimesSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '@facet/shared';
import { fateOf, isProcessAlive, ownIdentity } from './process-identity.js';
import { lockRun, moveRun, removeRun, takeOverRun } from './run-lock.js';

/** Larger than any process id that Linux gives out. */
const GONE = 2 ** 30;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-lock-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const leave = (pid: number, host: string): Promise<void> =>
  writeFile(join(folder, 'lock'), JSON.stringify({ pid, host }));

/** Every wait passes at once, and something happens in the third. */
function fastClock(inThird: () => void = () => undefined): Clock {
  let [nowMs, waits] = [0, 0];
  return {
    now: () => nowMs,
    wallTime: () => '',
    schedule(delayMs, action) {
      nowMs += delayMs;
      waits += 1;
      if (waits === 3) inThird();
      queueMicrotask(action);
      return () => undefined;
    },
  };
}

describe('fateOf', () => {
  it('knows only of processes of this machine and this container', () => {
    const own = { ...ownIdentity(), host: hostname() };
    expect(fateOf(own)).toBe('alive');
    expect(fateOf({ ...own, pid: GONE })).toBe('dead');
    expect(fateOf({ ...own, host: 'elsewhere' })).toBe('unknown');
    expect(fateOf({ ...own, pidSpace: 'another' })).toBe('unknown');
  });
});

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

  it('is given to one of two that ask at once', async () => {
    const [first, second] = await Promise.allSettled([lockRun(folder), lockRun(folder)]);
    expect(second).toMatchObject({ reason: { code: 'RUN_LOCKED' } });
    if (first.status === 'rejected') throw first.reason;
    expect(await first.value.isHeld()).toBe(true);
    await first.value.release();
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

  it('respects the lock of a process that runs', async () => {
    await leave(process.ppid, hostname());
    await expect(lockRun(folder)).rejects.toMatchObject({
      code: 'RUN_LOCKED',
      message: expect.stringContaining(`process ${process.ppid} on ${hostname()}`),
    });
    expect(await readdir(folder)).toEqual(['lock']);
  });

  const strangers = [
    ['on another machine', { pid: GONE, host: 'elsewhere' }],
    ['in another container of the same name', { ...ownIdentity(), host: hostname(), pidSpace: 'another' }],
  ] as const;

  it.each(strangers)('respects the lock of a process %s that touches it', async (_, owner) => {
    await writeFile(join(folder, 'lock'), JSON.stringify(owner));
    const touch = (): void => utimesSync(join(folder, 'lock'), 1, 1);
    await expect(lockRun(folder, fastClock(touch))).rejects.toMatchObject({ code: 'RUN_LOCKED' });
    expect(await readdir(folder)).toEqual(['lock']);
  });

  it.each(strangers)('takes over the lock of a process %s that does not touch it any more', async (_, owner) => {
    await writeFile(join(folder, 'lock'), JSON.stringify(owner));
    const clock = fastClock();
    await (await lockRun(folder, clock)).release();
    expect(clock.now()).toBeGreaterThanOrEqual(10_000);
    expect(await readdir(folder)).toEqual([]);
  });

  it('touches its lock while it holds it', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const lock = await lockRun(folder);
      utimesSync(join(folder, 'lock'), 1, 1);
      await vi.advanceTimersByTimeAsync(2_000);
      await vi.waitUntil(() => statSync(join(folder, 'lock')).mtimeMs > 1_000, { timeout: 10_000, interval: 5 });
      await lock.release();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
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

describe('a run that is moved or removed', () => {
  let run: string;

  beforeEach(async () => {
    run = join(folder, 'old');
    await mkdir(join(run, 'checkpoints'), { recursive: true });
    await writeFile(join(run, 'ledger.jsonl'), 'one line\n');
  });

  it('has another name afterwards, is free there, and its old name is free too', async () => {
    const moved = join(folder, 'new');
    await moveRun(run, moved);
    expect(await readdir(folder)).toEqual(['new']);
    expect((await readdir(moved)).sort()).toEqual(['checkpoints', 'ledger.jsonl']);
    await mkdir(run);
    const locks = [await lockRun(moved), await lockRun(run)];
    for (const lock of locks) await lock.release();
  });

  it('is gone afterwards, with everything in it, and its name is free', async () => {
    await removeRun(run);
    expect(await readdir(folder)).toEqual([]);
    await mkdir(run);
    await (await lockRun(run)).release();
  });

  it.each([
    ['moved', () => moveRun(run, join(folder, 'new'))],
    ['removed', () => removeRun(run)],
  ])('is not %s while a process holds it', async (_, act) => {
    const lock = await lockRun(run);
    await expect(act()).rejects.toMatchObject({
      code: 'RUN_LOCKED',
      message: expect.stringContaining(String(process.pid)),
    });
    expect(await lock.isHeld()).toBe(true);
    expect((await readdir(run)).sort()).toEqual(['checkpoints', 'ledger.jsonl', 'lock']);
    expect(await readdir(folder)).toEqual(['old']);
    await lock.release();
  });

  it('is moved once when it is moved twice at once', async () => {
    const [first, second] = await Promise.allSettled([
      moveRun(run, join(folder, 'new')),
      moveRun(run, join(folder, 'other')),
    ]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ reason: { code: 'RUN_LOCKED' } });
    expect(await readdir(folder)).toEqual(['new']);
  });

  it('stays as it was, and free, when it cannot be moved', async () => {
    const taken = join(folder, 'taken');
    await mkdir(join(taken, 'something'), { recursive: true });
    await expect(moveRun(run, taken)).rejects.toThrow();
    expect((await readdir(folder)).sort()).toEqual(['old', 'taken']);
    expect((await readdir(run)).sort()).toEqual(['checkpoints', 'ledger.jsonl']);
    await (await lockRun(run)).release();
  });
});
