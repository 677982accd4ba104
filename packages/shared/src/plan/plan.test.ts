import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPlan, evenSplit, rangeOfRank, splitByShares, type WorkItem } from './plan.js';
import { checkDigitBound, sampleChecksum } from './accounting.js';

const sizes = fc.record({
  seed: fc.nat(),
  epochs: fc.integer({ min: 1, max: 3 }),
  global: fc.integer({ min: 1, max: 40 }),
  micro: fc.integer({ min: 1, max: 12 }),
  trainSamples: fc.integer({ min: 1, max: 150 }),
  testSamples: fc.integer({ min: 1, max: 60 }),
});

const planOf = ({
  seed,
  epochs,
  global,
  micro,
  trainSamples,
  testSamples,
}: {
  seed: number;
  epochs: number;
  global: number;
  micro: number;
  trainSamples: number;
  testSamples: number;
}) => createPlan({ seed, epochs, batch: { global, micro } }, { trainSamples, testSamples });

function idsOf(plan: ReturnType<typeof planOf>, item: WorkItem): number[] {
  return Array.from({ length: plan.microBatchCount(item) }, (_, index) => [...plan.microBatch(item, index)]).flat();
}

describe('the plan', () => {
  it('visits every sample of every epoch exactly once', () => {
    fc.assert(
      fc.property(sizes, (options) => {
        const plan = planOf(options);
        for (let epoch = 0; epoch < options.epochs; epoch++) {
          const ids: number[] = [];
          for (let i = 1; i <= plan.stepsPerEpoch; i++) {
            const step = epoch * plan.stepsPerEpoch + i;
            expect(plan.epochOf(step)).toBe(epoch);
            const ofStep = idsOf(plan, { kind: 'train', step });
            expect(ofStep).toHaveLength(plan.sampleCount({ kind: 'train', step }));
            ids.push(...ofStep);
          }
          expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: options.trainSamples }, (_, i) => i));
        }
      }),
    );
  });

  it('follows every epoch with one evaluation of the whole test split, and then ends', () => {
    fc.assert(
      fc.property(sizes, (options) => {
        const plan = planOf(options);
        const items: WorkItem[] = [];
        for (let item = plan.after(0); item !== undefined; item = plan.next(item)) items.push(item);
        expect(items.filter((item) => item.kind === 'train').map((item) => item.step)).toEqual(
          Array.from({ length: plan.totalSteps }, (_, i) => i + 1),
        );
        const evaluations = items.filter((item) => item.kind === 'evaluate');
        expect(evaluations.map((item) => item.step)).toEqual(
          Array.from({ length: options.epochs }, (_, i) => (i + 1) * plan.stepsPerEpoch),
        );
        expect(items.at(-1)).toEqual(evaluations.at(-1));
        expect(idsOf(plan, evaluations[0]!)).toEqual(Array.from({ length: options.testSamples }, (_, i) => i));
      }),
    );
  });

  it('orders epochs differently, and the same epoch always alike', () => {
    const plan = planOf({ seed: 5, epochs: 2, global: 100, micro: 100, trainSamples: 100, testSamples: 1 });
    const first = idsOf(plan, { kind: 'train', step: 1 });
    const second = idsOf(plan, { kind: 'train', step: 2 });
    expect(second).not.toEqual(first);
    expect(idsOf(plan, { kind: 'train', step: 1 })).toEqual(first);
  });

  it('splits micro-batches over ranks without gap or overlap, as evenly as possible', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.integer({ min: 1, max: 33 }), (microBatches, worldSize) => {
        const ranges = Array.from({ length: worldSize }, (_, rank) =>
          rangeOfRank(microBatches, evenSplit(worldSize), rank),
        );
        expect(ranges[0]!.start).toBe(0);
        expect(ranges.at(-1)!.end).toBe(microBatches);
        const lengths = ranges.map((range) => range.end - range.start);
        ranges.slice(1).forEach((range, i) => {
          expect(range.start).toBe(ranges[i]!.end);
        });
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('splits them by shares: exactly when there are as many as shares in all, else without gap or overlap', () => {
    const shares = fc.array(fc.nat(9), { minLength: 1, maxLength: 9 }).filter((all) => all.some((share) => share > 0));
    fc.assert(
      fc.property(shares, fc.nat(200), (of, microBatches) => {
        const split = splitByShares(of);
        const lengthsOf = (count: number): number[] =>
          of.map((_, rank) => {
            const { start, end } = rangeOfRank(count, split, rank);
            expect(start).toBe(rank === 0 ? 0 : rangeOfRank(count, split, rank - 1).end);
            return end - start;
          });
        const all = split.at(-1)!;
        expect(lengthsOf(all)).toEqual(of);
        const lengths = lengthsOf(microBatches);
        expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(microBatches);
        lengths.forEach((length, rank) => {
          expect(Math.abs(length - (microBatches * of[rank]!) / all)).toBeLessThan(1);
        });
      }),
    );
  });
});

describe('the accounting', () => {
  const config = { seed: 3, batch: { global: 4096, micro: 32 } };

  it('stays exact in float32 for a whole global batch, in any order of addition', () => {
    const ids = Uint32Array.from({ length: config.batch.global }, (_, i) => i * 7);
    const total = sampleChecksum(config, 2, ids);
    expect(total).toBeLessThan(2 ** 24);
    const parts = Float32Array.from(ids, (id) => sampleChecksum(config, 2, Uint32Array.of(id)));
    const forwards = parts.reduce((sum, part) => Math.fround(sum + part), 0);
    const backwards = parts.reduceRight((sum, part) => Math.fround(sum + part), 0);
    expect([forwards, backwards]).toEqual([total, total]);
  });

  it('notices a sample that is replaced by another, nearly always', () => {
    const ids = Uint32Array.from({ length: 64 }, (_, i) => i);
    let unnoticed = 0;
    for (let other = 1000; other < 3000; other++) {
      const changed = ids.slice();
      changed[10] = other;
      if (sampleChecksum(config, 0, changed) === sampleChecksum(config, 0, ids)) unnoticed++;
    }
    expect(unnoticed).toBeLessThan(10);
    expect(checkDigitBound(4096)).toBe(4096);
  });
});
