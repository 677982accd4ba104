import { expect, test } from 'vitest';
import type { RunResult } from '@facet/coordinator';
import { isSuccess, resultJson } from '../runs/run-result.js';
import { summaryLines } from './summary.js';

const CLEAN = {
  ...{ clean: true, expected: 240_000, committed: 240_000, missing: 0, duplicated: 0, foreign: 0 },
  ...{ problems: [], sha256: 'cd'.repeat(32) },
};

const finished: RunResult = {
  run: 'demo',
  dataset: 'mnist',
  outcome: 'finished',
  message: 'all epochs are done',
  epochs: 4,
  earlyEnd: undefined,
  steps: 1_876,
  testAccuracy: 0.98612,
  heldOutAccuracy: undefined,
  evaluation: { loss: 0.0521, metrics: {} },
  evaluatedWeights: 'last',
  trainLoss: 0.34567,
  wallSeconds: 42.41,
  trainSeconds: 35.2,
  imagesPerSecond: 6_818.2,
  weightsSha256: 'ab'.repeat(32),
  workers: 2,
  generations: 1,
  ledger: CLEAN,
  faults: 0,
  checkpoint: '/runs/demo/checkpoints/step-000001876',
  checkpointStep: 1_876,
  bytesExchanged: 1,
  engines: ['onnxruntime/cpu'],
  warnings: [],
};

const stopped: RunResult = {
  ...finished,
  evaluation: undefined,
  outcome: 'stopped',
  message: 'a signal',
  steps: 10,
  testAccuracy: undefined,
  weightsSha256: undefined,
  checkpoint: undefined,
  checkpointStep: undefined,
  ledger: { ...CLEAN, clean: false, committed: 1_280, missing: 238_720 },
  faults: 2,
  warnings: ['checkpoint x is damaged and was passed over: y'],
};

test('says what a finished run came to, the proof, and what to do next', () => {
  expect(summaryLines(finished)).toEqual([
    'run demo finished',
    '  test accuracy  98.61 %',
    '  test loss      0.0521',
    '  train loss     0.3457',
    '  time           35.2 s training, 42.4 s in all, 6,818 images/s',
    '  steps          1,876 in 4 epochs',
    '  workers        2 workers, 1 generation, 0 faults',
    '  engine         onnxruntime/cpu',
    '  ledger         every sample exactly once per epoch: 240,000 of 240,000 committed, 0 missing, 0 duplicated',
    `  weights        sha256 ${'ab'.repeat(32)}`,
    '  checkpoint     /runs/demo/checkpoints/step-000001876',
    'next: facet evaluate demo    facet ledger check demo',
  ]);
});

test('names the split of the accuracy, and the averaged weights', () => {
  const heldOut = { ...finished, testAccuracy: undefined, heldOutAccuracy: 0.9, evaluatedWeights: 'average' } as const;
  expect(summaryLines(heldOut)).toContain('  held-out accuracy  90.00 % of the averaged weights');
  expect(resultJson(heldOut)).toMatchObject({ testAccuracy: null, heldOutAccuracy: 0.9 });
});

test('says how to go on with a stopped run, and its warnings', () => {
  expect(summaryLines(stopped)).toEqual([
    'run demo stopped: a signal',
    '  test accuracy  not evaluated',
    '  train loss     0.3457',
    '  time           35.2 s training, 42.4 s in all, 6,818 images/s',
    '  steps          10 in 4 epochs',
    '  workers        2 workers, 1 generation, 2 faults',
    '  engine         onnxruntime/cpu',
    '  ledger         unfinished: 1,280 of 240,000 committed, 238,720 missing, 0 duplicated',
    '  weights        no checkpoint',
    '  checkpoint     none',
    'warning: checkpoint x is damaged and was passed over: y',
    'next: facet resume demo',
  ]);
});

test('is a success only when the run finished and the ledger is clean', () => {
  expect(isSuccess(finished)).toBe(true);
  expect(isSuccess(stopped)).toBe(false);
  // Counts that look right are no proof: a sample in another step, a damaged line.
  expect(isSuccess({ ...finished, ledger: { ...CLEAN, clean: false } })).toBe(false);
  const { ledger: _ledger, ...unread } = finished;
  expect(isSuccess(unread)).toBe(false);
});

test('says of a ledger what it proves, and nothing of one that could not be read', () => {
  const ledgerRow = (result: RunResult): string | undefined =>
    summaryLines(result).find((line) => line.startsWith('  ledger'));
  const { ledger: _ledger, ...unread } = { ...stopped, outcome: 'failed' } as const;
  expect(ledgerRow(unread)).toBe('  ledger         could not be read: nothing is proven');
  expect(resultJson(unread)).toMatchObject({ ledger: null });
  const nothing = { ...CLEAN, clean: false, expected: 0, committed: 0 };
  expect(ledgerRow({ ...stopped, ledger: nothing })).toMatch(/NOT clean: 0 of 0/);
  expect(ledgerRow({ ...finished, ledger: { ...CLEAN, clean: false } })).toMatch(/NOT clean: 240,000 of 240,000/);
});

test('has every member in JSON, null where there is no value', () => {
  const json = JSON.parse(JSON.stringify(resultJson(stopped))) as Record<string, unknown>;
  expect(json).toMatchObject({ testAccuracy: null, weightsSha256: null, checkpoint: null, trainLoss: 0.34567 });
});

test('a task whose answers are no classes shows its loss and its own figures', () => {
  const line = { ...finished, testAccuracy: undefined, evaluation: { loss: 0.0123456, metrics: { absolute: 0.25 } } };
  expect(summaryLines(line).slice(1, 3)).toEqual(['  evaluated loss  0.01235', '  absolute        0.25']);
  const classes = { ...finished, evaluation: { loss: 0.0521, metrics: { confidence: 0.75 } } };
  expect(summaryLines(classes).slice(1, 4)).toEqual([
    '  test accuracy  98.61 %',
    '  test loss      0.0521',
    '  confidence     0.75',
  ]);
});
