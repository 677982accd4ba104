/** What a run's store is used for, under every fault that a store can have. */
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeClock } from '../../test/fake-clock.js';
import { infoAt, LAYOUT, stateAt } from '../../test/states.js';
import { readCheckpoint } from '../checkpoint/read-checkpoint.js';
import { writeCheckpoint } from '../checkpoint/checkpoint-store.js';
import { memoryRun, MemoryRun, type FaultScript, type StoreCall } from '../memory/memory-store.js';
import { retriedRun } from '../store/retried-store.js';
import type { RunStore } from '../store/run-store.js';
import { unreachable } from '../store/store-errors.js';
import { CheckpointUploader, shelfOf } from './checkpoint-uploader.js';
import { fetchNewestCheckpoint, pruneStored, storeCheckpoint, storedSteps } from './stored-checkpoint.js';

const SHELF = 'checkpoints';
let folder = '';
let tries = 0;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-store-faults-'));
  for (const step of [10, 20, 30]) {
    await writeCheckpoint({
      folder: path.join(folder, 'here'),
      state: stateAt(step),
      layout: LAYOUT,
      info: infoAt(step),
    });
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const pathOf = (step: number): string => path.join(folder, 'here', `step-${String(step).padStart(9, '0')}`);
const put = ({ objects }: RunStore, step: number): Promise<boolean> =>
  storeCheckpoint({ objects, shelf: SHELF, path: pathOf(step), step });

/** The step of the checkpoint that another machine gets, and what it passed over. */
async function fetched(
  store: RunStore,
): Promise<{ readonly step: number | undefined; readonly skipped: readonly string[] }> {
  tries += 1;
  const target = path.join(folder, `there-${tries}`);
  const skipped = await fetchNewestCheckpoint(store, SHELF, target, { localStep: undefined });
  const [step] = (await storedSteps(store.objects, SHELF)).filter(
    (each) => !skipped.some(({ path: at }) => at.endsWith(String(each))),
  );
  if (step === undefined) return { step, skipped: skipped.map(({ reason }) => reason) };
  const { state } = await readCheckpoint(path.join(target, `step-${String(step).padStart(9, '0')}`));
  expect(state).toEqual(stateAt(step));
  return { step, skipped: skipped.map(({ reason }) => reason) };
}

describe('a crash at every call', () => {
  it('leaves the last whole checkpoint usable, whatever call it was', async () => {
    const points: string[] = [];
    for (let at = 0; ; at += 1) {
      const held = new MemoryRun();
      await put(memoryRun(held, 'memory'), 10);
      let calls = 0;
      let point = '';
      // From the crash on, nothing of this process gets through.
      const crash: FaultScript = ({ act, name }, when) => {
        calls += 1;
        if (calls > at) {
          point ||= `${act} ${name} ${when}`;
          throw new Error('crashed');
        }
      };
      const crashing = memoryRun(held, 'memory', { faults: crash });
      const outcome = await put(crashing, 20)
        .then(() => pruneStored(crashing.objects, SHELF, { keep: 1, bestStep: undefined }))
        .then(
          () => 'done',
          () => 'crashed',
        );
      const { step, skipped } = await fetched(memoryRun(held, 'memory'));
      expect(skipped, point).toEqual([]);
      expect([10, 20], point).toContain(step);
      // Whoever goes on after the crash ends with both.
      await put(memoryRun(held, 'memory'), 20);
      await put(memoryRun(held, 'memory'), 30);
      expect((await fetched(memoryRun(held, 'memory'))).step, point).toBe(30);
      if (outcome === 'done') break;
      points.push(point);
    }
    expect(points.length).toBeGreaterThanOrEqual(20);
    expect(new Set(points.map((point) => point.split(' ')[0]))).toEqual(new Set(['get', 'put', 'list', 'remove']));
  });
});

describe('a damaged checkpoint', () => {
  const names = ['model.safetensors', 'optimizer.safetensors', 'run.json'];

  it.each(names)('is passed over for the one before it, and %s is named', async (name) => {
    const held = new MemoryRun();
    const store = memoryRun(held, 's3://bucket/run');
    await put(store, 10);
    await put(store, 20);
    const key = `checkpoints/step-000000020/${name}`;
    const sound = held.objects.get(key)!;
    const damaged = sound.slice();
    damaged[sound.length >> 1]! ^= 1;
    held.objects.set(key, damaged);
    expect(await fetched(store)).toEqual({ step: 10, skipped: [expect.stringContaining(name)] });
    held.objects.set(key, sound.subarray(0, sound.length - 1));
    expect((await fetched(store)).step).toBe(10);
    held.objects.delete(key);
    const { step, skipped } = await fetched(store);
    expect(step).toBe(10);
    // Without its manifest it is no checkpoint at all.
    expect(skipped).toEqual(name === 'run.json' ? [] : [expect.stringMatching(new RegExp(`${name}.*missing`))]);
  });

  it('of this machine is not stored as a sound one', async () => {
    const held = new MemoryRun();
    const broken = path.join(folder, 'broken', 'step-000000010');
    await mkdir(broken, { recursive: true });
    for (const name of names) await writeFile(path.join(broken, name), await readFile(path.join(pathOf(10), name)));
    const model = await readFile(path.join(broken, names[0]!));
    model[model.length - 1]! ^= 1;
    await writeFile(path.join(broken, names[0]!), model);
    const { objects } = memoryRun(held, 'memory');
    const storing = storeCheckpoint({ objects, shelf: SHELF, path: broken, step: 10 });
    await expect(storing).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
    expect(await storedSteps(objects, SHELF)).toEqual([]);
  });
});

describe('a store that throttles and fails', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  it('is asked again until it answers, with every call failing before and after its effect', async () => {
    const clock = fakeClock();
    const held = new MemoryRun();
    const failures = new Map<string, number>();
    const flaky: FaultScript = ({ act, name }: StoreCall, when) => {
      const key = `${act} ${name} ${when}`;
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      if (count < 2) throw unreachable('memory', when === 'before' ? '503 SlowDown' : 'the answer was lost');
    };
    const store = retriedRun(memoryRun(held, 'memory', { faults: flaky }), {
      clock,
      limitMs: 60_000,
      random: () => 0.5,
    });
    await put(store, 10);
    const claim = await store.ledger.claim();
    await claim.append(0, bytes('one\n'));
    await claim.append(4, bytes('two\n'));
    expect(await claim.isHeld()).toBe(true);
    expect(held.appends.map(({ bytes: each }) => Buffer.from(each).toString())).toEqual(['one\n', 'two\n']);
    expect((await fetched(memoryRun(held, 'memory'))).step).toBe(10);
    expect(failures.size).toBeGreaterThan(10);
  });

  it('is given up after the limit, saying how often it was asked', async () => {
    const clock = fakeClock();
    let calls = 0;
    const faults: FaultScript = () => {
      calls += 1;
      throw unreachable('memory', '503 SlowDown');
    };
    const store = retriedRun(memoryRun(new MemoryRun(), 'memory', { faults }), {
      clock,
      limitMs: 60_000,
      random: () => 1,
    });
    await expect(store.objects.list('')).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringMatching(/503 SlowDown; given up after \d+ attempts in 5\d\.\d s/),
    });
    // The pauses grow: it is no flood.
    expect(calls).toBeLessThan(25);
    expect(clock.now()).toBeLessThan(60_000);
  });

  it('that is full is named at once, and a checkpoint that did not fit is none', async () => {
    const held = new MemoryRun();
    const roomy = memoryRun(held, 'memory');
    await put(roomy, 10);
    const used = [...held.objects.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    const small = memoryRun(held, 's3://bucket/run', { mostBytes: () => used + 500 });
    const store = retriedRun(small, { clock: fakeClock(), limitMs: 60_000, random: () => 0.5 });
    await expect(put(store, 20)).rejects.toMatchObject({
      code: 'STORE_REFUSED',
      message: expect.stringMatching(/s3:\/\/bucket\/run refuses: it is full .*make room/),
    });
    expect((await fetched(roomy)).step).toBe(10);
  });
});

describe('the uploader', () => {
  const claim = { isHeld: () => Promise.resolve(true) };

  it('is never waited for, and leaves out what is neither the newest nor the best while the store is slow', async () => {
    const held = new MemoryRun();
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const stored: number[] = [];
    const uploader = new CheckpointUploader({
      ...shelfOf(memoryRun(held, 'memory', { faults: ({ act }) => (act === 'put' ? gate : undefined) })),
      claim,
      onStored: ({ step }) => stored.push(step),
      onFailed: (_step, error) => {
        throw error;
      },
    });
    uploader.offer({ step: 10, path: pathOf(10) });
    await Promise.resolve();
    await Promise.resolve();
    uploader.offer({ step: 20, path: pathOf(20) });
    uploader.offer({ step: 30, path: pathOf(30) });
    uploader.prune({ keep: 1, bestStep: undefined });
    expect(stored).toEqual([]);
    open();
    await uploader.settle();
    expect(stored).toEqual([10, 30]);
    expect(await storedSteps(memoryRun(held, 'memory').objects, SHELF)).toEqual([30]);
    await uploader.close();
  });

  it('of a coordinator that was replaced writes nothing', async () => {
    const held = new MemoryRun();
    const errors: string[] = [];
    const uploader = new CheckpointUploader({
      ...shelfOf(memoryRun(held, 'memory')),
      claim: { isHeld: () => Promise.resolve(false) },
      onStored: () => undefined,
      onFailed: (_step, { code }) => errors.push(code),
    });
    uploader.offer({ step: 10, path: pathOf(10) });
    await expect(uploader.settle()).rejects.toMatchObject({ code: 'RUN_LOCKED' });
    expect(held.objects.size).toBe(0);
    expect(errors).toContain('RUN_LOCKED');
    await uploader.close();
  });
});
