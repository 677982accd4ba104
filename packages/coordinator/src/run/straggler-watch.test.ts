import type { StepDone } from '@facet/proto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CoordinatedRun, log, pageOf } from '../../test/coordinated-run.js';
import type { FakeWorker, FakeWorkerOptions } from '../../test/fake-worker.js';
import type { Coordinator } from '../coordinator.js';
import { StragglerWatch, type StragglerNews } from './straggler-watch.js';

const STEPS = 10;

function watching(worldSize: number): StragglerWatch {
  const watch = new StragglerWatch({ factor: 1.5, steps: STEPS });
  watch.begin(worldSize);
  return watch;
}

/** Every worker's milliseconds for 2 micro-batches, step by step; what became news, with the step. */
function report(watch: StragglerWatch, steps: number, ownMs: Readonly<Record<string, number>>, first = 1) {
  const news: (StragglerNews & { readonly step: number })[] = [];
  for (let step = first; step < first + steps; step++) {
    for (const [workerId, ms] of Object.entries(ownMs)) {
      for (const one of watch.observe({ workerId, step, ownMs: ms, microBatches: 2 })) news.push({ ...one, step });
    }
  }
  return news;
}

describe('StragglerWatch', () => {
  it('names a worker that takes much longer once its window is full, and says it once', () => {
    const watch = watching(2);
    const message =
      'worker b takes 2.0 times as long as the others for its work (median of 10 steps), and all wait for it';
    expect(report(watch, 3 * STEPS, { a: 10, b: 20 })).toEqual([
      { step: STEPS, workerId: 'b', kind: 'straggles', slowness: 2, message },
    ]);
    expect(watch).toMatchObject({ count: 1, note: message, greatestSlowness: 2 });
    expect(watch.slownessOf('a')).toBe(0.5);
  });

  it('sees no slowness in a larger share, in a smaller one that is done in time, or in none', () => {
    const watch = watching(4);
    for (let step = 1; step <= STEPS; step++) {
      watch.observe({ workerId: 'large', step, ownMs: 40, microBatches: 4 });
      watch.observe({ workerId: 'usual', step, ownMs: 20, microBatches: 2 });
      watch.observe({ workerId: 'small', step, ownMs: 22, microBatches: 1 });
      watch.observe({ workerId: 'idle', step, ownMs: 0, microBatches: 0 });
    }
    expect(watch).toMatchObject({ count: 0, note: '' });
    expect(watch.slownessOf('large')).toBe(40 / 4 / ((10 + 22) / 2));
    expect(watch.slownessOf('small')).toBe(22 / 30);
    expect(watch.slownessOf('idle')).toBeUndefined();
  });

  it('says when a straggler keeps up again, which takes more than falling just below the factor', () => {
    const watch = watching(2);
    report(watch, STEPS, { a: 10, b: 16 });
    expect(report(watch, 2 * STEPS, { a: 10, b: 14 }, 11)).toEqual([]);
    expect(report(watch, 2 * STEPS, { a: 10, b: 12 }, 31)).toMatchObject([{ workerId: 'b', kind: 'keeps-up' }]);
    expect(watch).toMatchObject({ count: 0, note: '' });
  });

  it('begins anew with every generation', () => {
    const watch = watching(2);
    report(watch, STEPS, { a: 10, b: 20 });
    watch.begin(2);
    expect(watch).toMatchObject({ count: 0, greatestSlowness: undefined });
    expect(report(watch, STEPS - 1, { a: 10, b: 20 }, 11)).toEqual([]);
  });

  it('has nothing to say of a worker alone, or of clocks that show no time', () => {
    expect(report(watching(1), 3 * STEPS, { a: 10 })).toEqual([]);
    const watch = watching(2);
    expect(report(watch, 3 * STEPS, { a: 0, b: 0 })).toEqual([]);
    expect(watch.greatestSlowness).toBeUndefined();
  });

  it('finds exactly those who are slow in most steps, whoever reports first and however the steps vary', () => {
    const member = fc.record({
      isSlow: fc.boolean(),
      noise: fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: STEPS, maxLength: STEPS }),
    });
    const world = fc
      .array(member, { minLength: 3, maxLength: 9 })
      .filter((all) => all.filter(({ isSlow }) => isSlow).length < (all.length - 1) / 2);
    fc.assert(
      fc.property(world, fc.array(fc.nat(), { minLength: STEPS, maxLength: STEPS }), (members, turns) => {
        const watch = watching(members.length);
        const named = new Set<string>();
        for (let step = 1; step <= STEPS; step++) {
          // A slow worker is as fast as the others in four steps of ten.
          const isOdd = step % 5 < 2;
          members.forEach((_, index) => {
            const at = (index + turns[step - 1]!) % members.length;
            const { isSlow, noise } = members[at]!;
            const ownMs = (isSlow && !isOdd ? 25 : 10) * noise[step - 1]!;
            for (const { workerId } of watch.observe({ workerId: `w${at}`, step, ownMs, microBatches: 1 }))
              named.add(workerId);
          });
        }
        expect([...named].sort()).toEqual(members.flatMap(({ isSlow }, at) => (isSlow ? [`w${at}`] : [])).sort());
      }),
    );
  });
});

describe('a run with a straggler', () => {
  let run: CoordinatedRun;
  const warnings: string[] = [];

  beforeEach(async () => {
    run = await CoordinatedRun.open();
    warnings.length = 0;
    vi.spyOn(log, 'warn').mockImplementation((...said: unknown[]) => void warnings.push(String(said.at(-1))));
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await run[Symbol.asyncDispose]();
  });

  function coordinate(exclude: boolean, min = 1): Promise<Coordinator> {
    const stragglers = { factor: 1.5, steps: STEPS, exclude };
    return run.coordinate({ epochs: 8, stragglers, workers: { count: 2, min, max: 8 } });
  }

  function addWorker(
    coordinator: Coordinator,
    workerId: string,
    computeMs: number,
    options: Partial<FakeWorkerOptions> = {},
  ): Promise<FakeWorker> {
    const forge = (done: StepDone): StepDone => ({ ...done, timings: { ...done.timings!, computeMs } });
    return run.addWorker(coordinator, workerId, { forge, ...options });
  }

  const isNamed = (text: string): boolean => /^worker slow takes 4\.0 times as long as the others/.test(text);

  it('goes on, and says so in the log, the status and the metrics', async () => {
    const coordinator = await coordinate(false);
    const seen: Promise<[status: string, metrics: string]>[] = [];
    await addWorker(coordinator, 'fast', 9, {
      beforeWork: async (_, { step }) => {
        if (step !== 2 * STEPS) return;
        if (seen.length === 0)
          seen.push(Promise.all([pageOf(coordinator, '/status'), pageOf(coordinator, '/metrics')]));
        await seen[0];
      },
    });
    await addWorker(coordinator, 'slow', 39);
    expect(await coordinator.done).toMatchObject({ outcome: 'finished', faults: 0, workers: 2, generations: 1 });
    expect(warnings.filter(isNamed)).toHaveLength(1);
    const [status = '', metrics = ''] = (await seen[0]) ?? [];
    expect(JSON.parse(status)).toMatchObject({ stragglers: warnings.find(isNamed) });
    expect(metrics).toContain('facet_coordinator_stragglers 1');
    expect(metrics).toContain('facet_coordinator_greatest_slowness_ratio 4');
  });

  it('takes it out on request, without a fault or a lost sample, and does not take it back', async () => {
    const coordinator = await coordinate(true);
    await addWorker(coordinator, 'fast', 9);
    const slow = await addWorker(coordinator, 'slow', 39);
    expect(await slow.ended).toMatchObject({
      kind: 'refusal',
      code: 'STRAGGLER',
      message: expect.stringMatching(/all wait for it; it was taken out, because stragglers\.exclude is on$/) as string,
    });
    const again = await addWorker(coordinator, 'slow', 9);
    expect(await again.ended).toMatchObject({ kind: 'refusal', code: 'STRAGGLER' });
    expect(await coordinator.done).toMatchObject({
      outcome: 'finished',
      faults: 0,
      workers: 1,
      generations: 2,
      ledger: { missing: 0, duplicated: 0 },
    });
  });

  it('keeps it when the run may not go on with fewer', async () => {
    const coordinator = await coordinate(true, 2);
    await addWorker(coordinator, 'fast', 9);
    await addWorker(coordinator, 'slow', 39);
    expect(await coordinator.done).toMatchObject({ outcome: 'finished', workers: 2, generations: 1 });
    expect(warnings.filter(isNamed)).toHaveLength(1);
  });
});
