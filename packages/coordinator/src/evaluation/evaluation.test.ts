import { createPlan } from '@facet/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EvaluationMerge, type MergeVerdict, type ReportedEvaluation } from './evaluation.js';

const plan = createPlan({ seed: 1, epochs: 1, batch: { global: 8, micro: 4 } }, { trainSamples: 16, testSamples: 10 });
const create = (): EvaluationMerge => new EvaluationMerge({ plan, step: 2, classes: 2 });
const part = (index: number, lossSum = index + 0.1) => ({ index, sampleCount: index === 2 ? 2 : 4, lossSum });
const all: ReportedEvaluation = {
  workerId: 'a',
  parts: [part(0), part(1), part(2)],
  confusion: [4, 1, 2, 3],
};

describe('EvaluationMerge', () => {
  it('counts the diagonal as correct and adds losses in index order', () => {
    expect(create().accept(all)).toEqual({
      kind: 'complete',
      result: { step: 2, accuracy: 0.7, loss: (0.1 + 1.1 + 2.1) / 10, confusion: [4, 1, 2, 3] },
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
