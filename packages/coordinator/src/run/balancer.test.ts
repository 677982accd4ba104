import type { StepDone } from '@facet/proto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CoordinatedRun } from '../../test/coordinated-run.js';
import type { FakeWorker } from '../../test/fake-worker.js';
import { Balancer } from './balancer.js';

const MICRO_BATCHES = 2;

const balancerOf = (microBatches: number): Balancer => new Balancer({ microBatches, steps: 50 });

/** Steps of a generation whose members take so many milliseconds per micro-batch; what the last of them says. */
function measure(balancer: Balancer, paces: Readonly<Record<string, number>>, steps = 50): string | undefined {
  let reason: string | undefined;
  for (let step = 1; step <= steps; step++) {
    for (const [workerId, pace] of Object.entries(paces)) {
      reason = balancer.observe({ workerId, computeMs: pace * MICRO_BATCHES, microBatches: MICRO_BATCHES }) ?? reason;
    }
  }
  return reason;
}

/** All ways to give every rank at least one of so many micro-batches. */
function* sharings(microBatches: number, ranks: number): Generator<number[]> {
  if (ranks === 1) yield [microBatches];
  for (let own = 1; ranks > 1 && own <= microBatches - ranks + 1; own++) {
    for (const others of sharings(microBatches - own, ranks - 1)) yield [own, ...others];
  }
}

describe('Balancer', () => {
  it('begins even, and gives faster workers more as soon as it knows them', () => {
    const balancer = balancerOf(8);
    expect(balancer.begin(['a', 'b'])).toEqual([4, 4]);
    expect(measure(balancer, { a: 1, b: 3 }, 49)).toBeUndefined();
    expect(measure(balancer, { a: 1, b: 3 }, 2)).toBe(
      "steps get about 2.00 times as fast when the ranks' micro-batches, 4, 4, become 6, 2",
    );
    expect(balancer.begin(['a', 'b'])).toEqual([6, 2]);
    expect(measure(balancer, { a: 1, b: 3 }, 200)).toBeUndefined();
  });

  it('follows a worker that becomes slower as soon as most of its last steps were slow', () => {
    const balancer = balancerOf(8);
    balancer.begin(['a', 'b']);
    expect(measure(balancer, { a: 1, b: 1 }, 70)).toBeUndefined();
    expect(measure(balancer, { a: 1, b: 3 }, 24)).toBeUndefined();
    expect(measure(balancer, { a: 1, b: 3 }, 2)).toContain('4, 4, become 6, 2');
  });

  it('takes newcomers for ordinary, and remembers who was here', () => {
    const balancer = balancerOf(16);
    balancer.begin(['a', 'b', 'c']);
    measure(balancer, { a: 1, b: 1, c: 3 });
    expect(balancer.begin(['d', 'c', 'a'])).toEqual([7, 2, 7]);
  });

  it('changes nothing for less than a tenth', () => {
    const balancer = balancerOf(20);
    balancer.begin(['a', 'b']);
    expect(measure(balancer, { a: 1, b: 1.15 }, 200)).toBeUndefined();
  });

  it('stays even when there are more ranks than micro-batches, or the clock shows no time', () => {
    const few = balancerOf(2);
    expect(few.begin(['a', 'b', 'c'])).toEqual([0, 1, 1]);
    expect(measure(few, { b: 1, c: 9 }, 100)).toBeUndefined();
    const still = balancerOf(8);
    still.begin(['a', 'b']);
    expect(measure(still, { a: 0, b: 0 }, 100)).toBeUndefined();
    expect(still.begin(['a', 'b'])).toEqual([4, 4]);
  });

  it('finds shares that no others beat, and every micro-batch has one rank', () => {
    const paces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(paces, fc.integer({ min: 4, max: 12 }), (of, microBatches) => {
        const balancer = balancerOf(microBatches);
        const members = of.map((_, rank) => `w${rank}`);
        balancer.begin(members);
        measure(balancer, Object.fromEntries(members.map((member, rank) => [member, of[rank]!])));
        const shares = balancer.begin(members);
        const time = (sharing: readonly number[]): number =>
          Math.max(...sharing.map((share, rank) => share * of[rank]!));
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(microBatches);
        expect(Math.min(...shares)).toBeGreaterThan(0);
        for (const other of sharings(microBatches, of.length)) expect(time(shares)).toBeLessThanOrEqual(time(other));
      }),
    );
  });
});

describe('a run with workers of unequal speed', () => {
  let run: CoordinatedRun;
  beforeEach(async () => {
    run = await CoordinatedRun.open();
  });
  afterEach(() => run[Symbol.asyncDispose]());

  async function train(balance: boolean) {
    const coordinator = await run.coordinate({ epochs: 15, balance });
    const addWorker = (workerId: string, computeMs: number): Promise<FakeWorker> => {
      const forge = (done: StepDone): StepDone => ({ ...done, timings: { ...done.timings!, computeMs } });
      return run.addWorker(coordinator, workerId, { forge });
    };
    const [fast, slow] = [await addWorker('fast', 10), await addWorker('slow', 40)];
    const result = await coordinator.done;
    const sharesOf = ({ received }: FakeWorker) => received.flatMap(({ form }) => (form ? [form.shares] : []));
    return { result, shares: [sharesOf(fast), sharesOf(slow)], consumed: [fast.consumed, slow.consumed] };
  }

  it('gives them shares by their speed in a new generation, without a fault, a lost or a doubled sample', async () => {
    const { result, shares, consumed } = await train(true);
    const clean = { missing: 0, duplicated: 0 };
    expect(result).toMatchObject({ outcome: 'finished', faults: 0, generations: 2, workers: 2, ledger: clean });
    expect(shares).toEqual([
      [
        [2, 2],
        [3, 1],
      ],
      [
        [2, 2],
        [3, 1],
      ],
    ]);
    const last = (kind: string, step: number) =>
      consumed.map((all) => all.filter((one) => one.kind === kind && one.step === step).length);
    expect(last('train', 1)).toEqual([2, 2]);
    expect(last('train', 60)).toEqual([3, 1]);
    // Five micro-batches of an evaluation are shared out by the same shares.
    expect(last('evaluate', 60)).toEqual([3, 2]);
  });

  it('has even shares when it is not asked for', async () => {
    const { result, shares } = await train(false);
    expect(result).toMatchObject({ outcome: 'finished', generations: 1 });
    expect(shares).toEqual([[[]], [[]]]);
  });
});
