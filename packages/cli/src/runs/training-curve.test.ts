import { expect, test } from 'vitest';
import type { LedgerRecord } from '@facet/shared';
import { readTrainingCurve, trainingCurve } from './training-curve.js';

const at = '2026-03-01T12:00:00.000Z';

function commits(count: number): LedgerRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const samples = Uint32Array.of(i);
    return { kind: 'commit', step: i + 1, epoch: 0, generation: 1, samples, loss: i + 1, weightsCrc: '00000000', at };
  });
}

test('a short run keeps every step, and every evaluation under its split', () => {
  const records: LedgerRecord[] = [
    ...commits(2),
    { kind: 'evaluation', step: 2, epoch: 0, testAccuracy: 0.9, testLoss: 0.3, at },
    { kind: 'held-out-evaluation', step: 2, epoch: 0, heldOutAccuracy: 0.8, heldOutLoss: 0.4, at },
  ];
  expect(trainingCurve(records)).toEqual({
    steps: 2,
    loss: [
      { step: 1, mean: 1, low: 1, high: 1 },
      { step: 2, mean: 2, low: 2, high: 2 },
    ],
    evaluations: [
      { step: 2, split: 'test', accuracy: 0.9, loss: 0.3 },
      { step: 2, split: 'held-out', accuracy: 0.8, loss: 0.4 },
    ],
  });
});

test('a long run is thinned out to means that end with its last step', () => {
  const curve = trainingCurve(commits(1_001))!;
  expect(curve.loss).toHaveLength(167);
  expect(curve.loss[0]).toEqual({ step: 6, mean: 3.5, low: 1, high: 6 });
  expect(curve.loss.at(-1)).toMatchObject({ step: 1_001, high: 1_001 });
});

test('without a step or without a file there is no curve', async () => {
  expect(trainingCurve([])).toBeUndefined();
  expect(await readTrainingCurve('/there/is/no/ledger.jsonl')).toBeUndefined();
});
