import { expect, test } from 'vitest';
import type { LedgerRecord } from '@facet/shared';
import { readTrainingCurve, trainingCurve, type RateAt } from './training-curve.js';

const at = '2026-03-01T12:00:00.000Z';

/** Ten for every change. */
const rateAt: RateAt = (step, { stepsPerEpoch, changes }) => step / stepsPerEpoch + 10 * changes.length;

function run(trainSamples: number, epochs: number): LedgerRecord {
  const hash = 'a'.repeat(64);
  return {
    ...{ kind: 'run', version: 1, run: 'demo', dataset: 'mnist', datasetSha256: hash, trainSamples, seed: 1 },
    ...{ globalBatch: 2, microBatch: 1, epochs, configSha256: hash, at },
  };
}

/** Steps of two samples, of which one is right. */
function commits(count: number, correct: { readonly correct?: number } = { correct: 1 }): LedgerRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const samples = Uint32Array.of(2 * i, 2 * i + 1);
    const step = { step: i + 1, epoch: 0, generation: 1, samples, loss: i + 1, weightsCrc: '00000000' };
    return { kind: 'commit', ...step, ...correct, at };
  });
}

test('a short run keeps every step, and every evaluation under its split', () => {
  const records: LedgerRecord[] = [
    run(3, 5),
    ...commits(2),
    { kind: 'evaluation', step: 2, epoch: 0, testAccuracy: 0.9, testLoss: 0.3, at },
    { kind: 'held-out-evaluation', step: 2, epoch: 0, heldOutAccuracy: 0.8, heldOutLoss: 0.4, at },
  ];
  expect(trainingCurve(records, rateAt)).toEqual({
    steps: 2,
    stepsPerEpoch: 2,
    loss: [
      { step: 1, mean: 1, low: 1, high: 1 },
      { step: 2, mean: 2, low: 2, high: 2 },
    ],
    trainAccuracy: [
      { step: 1, accuracy: 0.5 },
      { step: 2, accuracy: 0.5 },
    ],
    trainMetrics: {},
    learningRate: [
      { step: 1, rate: 0.5 },
      { step: 2, rate: 1 },
    ],
    evaluations: [
      { step: 2, split: 'test', accuracy: 0.9, loss: 0.3 },
      { step: 2, split: 'held-out', accuracy: 0.8, loss: 0.4 },
    ],
  });
});

test('a task without classes has its loss and its own figures: means over the samples of every stretch', () => {
  const off = (metresOff: number) => ({ metrics: { metresOff } });
  const [first, second] = commits(2, {}) as [LedgerRecord, LedgerRecord];
  const evaluated: LedgerRecord = { kind: 'evaluation', step: 2, epoch: 0, testLoss: 0.3, ...off(0.7), at };
  const records = [run(4, 1), { ...first, ...off(3) }, { ...second, ...off(1) }, evaluated] as LedgerRecord[];
  expect(trainingCurve(records, rateAt)).toMatchObject({
    trainAccuracy: [],
    trainMetrics: {
      metresOff: [
        { step: 1, mean: 1.5 },
        { step: 2, mean: 0.5 },
      ],
    },
    evaluations: [{ step: 2, split: 'test', loss: 0.3, metrics: { metresOff: 0.7 } }],
  });
});

test('whoever asks for the rate of a step learns what resumes changed', () => {
  const change: LedgerRecord = { kind: 'change', afterStep: 1, epochs: { from: 1, to: 2 }, at };
  const [first] = trainingCurve([run(3, 1), ...commits(1), change], rateAt)!.learningRate;
  expect(first).toEqual({ step: 1, rate: 10.5 });
});

test('a long run is thinned out to means that end with its last step', () => {
  const curve = trainingCurve([run(2_002, 1), ...commits(1_001)], rateAt)!;
  expect(curve.loss).toHaveLength(167);
  expect(curve.loss[0]).toEqual({ step: 6, mean: 3.5, low: 1, high: 6 });
  expect(curve.loss.at(-1)).toMatchObject({ step: 1_001, high: 1_001 });
  expect(curve.trainAccuracy).toHaveLength(167);
  expect(curve.learningRate[0]).toEqual({ step: 1, rate: 1 / 1_001 });
  expect(curve.learningRate.at(-1)).toEqual({ step: 1_001, rate: 1 });
});

test('a ledger that does not say how many samples were right has no training accuracy', () => {
  expect(trainingCurve([run(8, 1), ...commits(4, {})], rateAt)).toMatchObject({ steps: 4, trainAccuracy: [] });
});

test('without a step or without a file there is no curve', async () => {
  expect(trainingCurve([run(8, 1)], rateAt)).toBeUndefined();
  expect(await readTrainingCurve('/there/is/no/ledger.jsonl', rateAt)).toBeUndefined();
});
