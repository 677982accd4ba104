import { createPlan } from '@facet/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EvaluationMerge, type MergeVerdict, type ReportedEvaluation } from './evaluation.js';

const plan = createPlan({ seed: 1, epochs: 1, batch: { global: 8, micro: 4 } }, { trainSamples: 16, testSamples: 10 });
const create = (): EvaluationMerge => new EvaluationMerge({ plan, step: 2, classes: 2 });
const part = (index: number, lossSum = index + 0.1, metrics: Readonly<Record<string, number>> = {}) => ({
  ...{ index, sampleCount: index === 2 ? 2 : 4, lossSum, metrics },
});
const all: ReportedEvaluation = {
  workerId: 'a',
  parts: [part(0), part(1), part(2)],
  confusion: [4, 1, 2, 3],
};

describe('EvaluationMerge', () => {
  it('counts the diagonal as correct and adds losses in index order', () => {
    expect(create().accept(all)).toEqual({
      kind: 'complete',
      result: { step: 2, accuracy: 0.7, loss: (0.1 + 1.1 + 2.1) / 10, metrics: {}, confusion: [4, 1, 2, 3] },
    });
  });

  it('gives the same result however the parts are distributed', () => {
    const loss = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(loss, loss, loss), fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)), ([a, b, c], owners) => {
        const parts = [part(0, a), part(1, b), part(2, c)];
        const together = create().accept({ ...all, parts, confusion: [10, 0, 0, 0] });
        const merge = create();
        let last: MergeVerdict = { kind: 'incomplete' };
        for (const owner of [2, 1, 0]) {
          const own = parts.filter((_, index) => owners[index] === owner);
          const samples = own.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
          const verdict = merge.accept({ workerId: String(owner), parts: own, confusion: [samples, 0, 0, 0] });
          if (last.kind === 'incomplete') last = verdict;
        }
        expect(last).toEqual(together);
      }),
    );
  });

  it.each([
    ['a micro-batch that came before', { parts: [part(0)], confusion: [4, 0, 0, 0] }, /micro-batch 0 came twice/],
    ['one that does not exist', { parts: [part(3)], confusion: [4, 0, 0, 0] }, /micro-batch 3 is not one of 3/],
    ['a wrong count', { parts: [{ ...part(2), sampleCount: 4 }], confusion: [4, 0, 0, 0] }, /4 samples, expected 2/],
    ['a confusion matrix of other size', { parts: [part(1)], confusion: [4] }, /1 cells, expected 4/],
    [
      'a confusion matrix of other samples',
      { parts: [part(1)], confusion: [3, 0, 0, 0] },
      /holds 3 samples, its parts 4/,
    ],
    [
      'a loss that is no number',
      { parts: [part(1, Number.NaN)], confusion: [4, 0, 0, 0] },
      /loss of micro-batch 1 is NaN/,
    ],
  ])('refuses %s', (_what, changes, message) => {
    const merge = create();
    merge.accept({ workerId: 'a', parts: [part(0)], confusion: [4, 0, 0, 0] });
    expect(merge.accept({ workerId: 'b', ...changes })).toEqual({
      kind: 'fault',
      message: expect.stringMatching(message),
    });
  });
});

describe('EvaluationMerge of answers that are no classes', () => {
  const merge = (): EvaluationMerge => new EvaluationMerge({ plan, step: 2, classes: 0 });
  const far = (index: number, metrics: Readonly<Record<string, number>>) => part(index, index + 0.5, metrics);

  it('has no accuracy, and means of the loss and of every metric', () => {
    const parts = [far(0, { far: 1, near: 4 }), far(1, { near: 3, far: 2 }), far(2, { far: 4, near: 0 })];
    expect(merge().accept({ workerId: 'a', parts, confusion: [] })).toEqual({
      kind: 'complete',
      result: { step: 2, accuracy: undefined, loss: 4.5 / 10, metrics: { far: 0.7, near: 0.7 }, confusion: [] },
    });
  });

  it('adds metrics in index order, whoever brings them first', () => {
    // Sums of these differ with their order.
    const sums = [1e16, -1e16, 1.5];
    const parts = sums.map((sum, index) => far(index, { far: sum }));
    const late = merge();
    for (const index of [2, 1]) {
      const own = { workerId: String(index), parts: [parts[index]!], confusion: [] };
      expect(late.accept(own)).toEqual({ kind: 'incomplete' });
    }
    expect(late.accept({ workerId: '0', parts: [parts[0]!], confusion: [] })).toMatchObject({
      kind: 'complete',
      result: { metrics: { far: 0.15 } },
    });
    expect((-1e16 + 1.5 + 1e16) / 10).not.toBe(0.15);
  });

  it('is complete without metrics where the task has none', () => {
    const parts = [0, 1, 2].map((index) => far(index, {}));
    expect(merge().accept({ workerId: 'a', parts, confusion: [] })).toMatchObject({
      kind: 'complete',
      result: { metrics: {} },
    });
  });

  it.each([
    ['other metrics than those before', { parts: [far(1, { near: 1 })] }, /of micro-batch 1 are near, expected far/],
    ['a metric too many', { parts: [far(1, { far: 1, near: 1 })] }, /of micro-batch 1 are far, near, expected far/],
    ['a part without metrics', { parts: [far(1, {})] }, /of micro-batch 1 are none, expected far/],
    ['a metric that is no number', { parts: [far(1, { far: Number.NaN })] }, /metric far of micro-batch 1 is NaN/],
    ['a confusion matrix', { parts: [far(1, { far: 1 })], confusion: [4] }, /1 cells, expected 0/],
  ])('refuses %s', (_what, changes, message) => {
    const merging = merge();
    merging.accept({ workerId: 'a', parts: [far(0, { far: 1 })], confusion: [] });
    expect(merging.accept({ workerId: 'b', confusion: [], ...changes })).toEqual({
      kind: 'fault',
      message: expect.stringMatching(message),
    });
  });

  it('refuses other metrics within one report', () => {
    const parts = [far(0, { far: 1 }), far(1, { near: 1 })];
    expect(merge().accept({ workerId: 'a', parts, confusion: [] })).toMatchObject({
      kind: 'fault',
      message: expect.stringContaining('the metrics of micro-batch 1 are near, expected far') as string,
    });
  });
});
