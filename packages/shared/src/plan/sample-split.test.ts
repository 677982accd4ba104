import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TrainingError } from '../errors.js';
import { createPlan, type WorkItem } from './plan.js';
import { chooseSamples, idsWithout, sampleProblems } from './sample-split.js';

const choice = fc
  .record({ total: fc.integer({ min: 2, max: 200 }), held: fc.nat(199), train: fc.nat(199), seed: fc.nat() })
  .map(({ total, held, train, seed }) => {
    const heldOut = held % total;
    return { total, seed, samples: { train: train % (total - heldOut), test: 0, heldOut } };
  });

describe('the held-out images', () => {
  it('are as many as asked for, and together with the training images each image at most once', () => {
    fc.assert(
      fc.property(choice, ({ total, samples }) => {
        const { trainSamples, heldOut } = chooseSamples(samples, { trainSamples: total, testSamples: 1 });
        const trained = idsWithout(heldOut, trainSamples);
        expect(heldOut).toHaveLength(samples.heldOut);
        expect(trained).toHaveLength(samples.train === 0 ? total - samples.heldOut : samples.train);
        const all = [...trained, ...heldOut];
        expect(new Set(all).size).toBe(all.length);
        expect(all.every((id) => id < total)).toBe(true);
        expect([...trained]).toEqual([...trained].sort((a, b) => a - b));
        expect([...heldOut]).toEqual([...heldOut].sort((a, b) => a - b));
      }),
    );
  });

  it('do not depend on how many images are trained on, and more of them contain fewer of them', () => {
    const heldOutOf = (heldOut: number, train: number): Uint32Array =>
      chooseSamples({ train, test: 0, heldOut }, { trainSamples: 60_000, testSamples: 1 }).heldOut;
    expect(heldOutOf(5_000, 1_000)).toEqual(heldOutOf(5_000, 0));
    const many = new Set(heldOutOf(5_000, 0));
    expect(heldOutOf(1_000, 0).every((id) => many.has(id))).toBe(true);
  });

  it('are these, for ever: another split would make earlier choices worthless', () => {
    const { heldOut } = chooseSamples({ train: 0, test: 0, heldOut: 6 }, { trainSamples: 50_000, testSamples: 1 });
    expect([...heldOut]).toEqual([3195, 5348, 13621, 26762, 35937, 47899]);
  });

  it('are evaluated and never trained on, whatever the seed', () => {
    fc.assert(
      fc.property(choice, ({ total, seed, samples }) => {
        fc.pre(samples.heldOut > 0);
        const config = { seed, epochs: 2, batch: { global: 16, micro: 5 }, samples, evaluation: 'held-out' as const };
        const plan = createPlan(config, { trainSamples: total, testSamples: 1 });
        const idsOf = (item: WorkItem): number[] =>
          Array.from({ length: plan.microBatchCount(item) }, (_, index) => [...plan.microBatch(item, index)]).flat();
        expect(idsOf({ kind: 'evaluate', step: plan.stepsPerEpoch })).toEqual([...plan.heldOut]);
        expect(plan.splitOf({ kind: 'evaluate', step: 1 })).toBe('train');
        const heldOut = new Set(plan.heldOut);
        const trained = Array.from({ length: plan.stepsPerEpoch }, (_, i) => idsOf({ kind: 'train', step: i + 1 }));
        expect(trained.flat()).toHaveLength(plan.trainSamples);
        expect(new Set(trained.flat()).size).toBe(plan.trainSamples);
        expect(trained.flat().some((id) => heldOut.has(id))).toBe(false);
      }),
    );
  });
});

describe('a choice that a dataset cannot fulfil', () => {
  const sizes = { trainSamples: 100, testSamples: 10 };

  it.each([
    [{ train: 101, test: 0, heldOut: 0 }, 'samples.train: 101, expected at most 100: mnist has no more'],
    [
      { train: 91, test: 0, heldOut: 10 },
      'samples.train: 91, expected at most 90: mnist has no more beside the 10 that are held out',
    ],
    [{ train: 0, test: 11, heldOut: 0 }, 'samples.test: 11, expected at most 10: mnist has no more'],
    [{ train: 0, test: 0, heldOut: 100 }, 'samples.heldOut: 100, expected fewer than the 100 training images of mnist'],
  ])('is named: %j', (samples, problem) => {
    expect(sampleProblems(samples, sizes, 'mnist')).toEqual([problem]);
    expect(() => chooseSamples(samples, sizes)).toThrow(TrainingError);
  });

  it('is fulfilled to the last image', () => {
    expect(sampleProblems({ train: 90, test: 10, heldOut: 10 }, sizes, 'mnist')).toEqual([]);
  });
});
