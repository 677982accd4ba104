import type { EvaluationDone, StepDone } from '@facet/proto';
import { describe, expect, it } from 'vitest';
import { checkEvaluationDone, checkStepDone } from './messages.js';

const timings = { totalMs: 4, shardWaitMs: 1, computeMs: 1, allReduceMs: 1, updateMs: 1 };
const done: StepDone = {
  ...{ generation: 1, step: 1, weightsCrc: 1, momentsCrc: 2, loss: 1, sampleCount: 4, sampleChecksum: 1 },
  ...{ metrics: { correct: 4, far: 0.5 }, gradientNorm: 1, learningRate: 0.1, timings },
  ...{ bytesSent: 1, bytesReceived: 1, localSamples: 4, localGradientNorm: 1, localLoss: 1 },
};
const many = Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`m${at}`, 1]));
const long = 'x'.repeat(256);

describe('the metrics of a step', () => {
  it('may be any numbers, and none at all', () => {
    expect(() => checkStepDone(done)).not.toThrow();
    expect(() => checkStepDone({ ...done, metrics: {} })).not.toThrow();
    expect(() => checkStepDone({ ...done, metrics: { far: -3.5 } })).not.toThrow();
  });

  it.each<readonly [string, Record<string, number>, string]>([
    [
      'more right answers than samples',
      { correct: 5 },
      "step_done.metrics.correct is '5', expected a whole number from 0 to 4",
    ],
    [
      'half a right answer',
      { correct: 1.5 },
      "step_done.metrics.correct is '1.5', expected a whole number from 0 to 4",
    ],
    ['fewer than none', { correct: -1 }, "step_done.metrics.correct is '-1', expected a whole number from 0 to 4"],
    ['no number of them', { correct: Number.NaN }, "step_done.metrics.correct is 'NaN', expected a whole number"],
    ['too many names', many, "step_done.metrics is '65 of them', expected at most 64"],
    ['a name that is empty', { '': 1 }, "step_done.metrics is '', expected names of 1 to 255 characters"],
    ['a name that is too long', { [long]: 1 }, 'expected names of 1 to 255 characters'],
  ])('are refused with %s', (_, metrics, message) => {
    expect(() => checkStepDone({ ...done, metrics })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) as string }) as Error,
    );
  });
});

it('the metrics of every part of an evaluation are bounded', () => {
  const part = (metrics: Record<string, number>) => ({ index: 0, sampleCount: 4, lossSum: 1, metrics });
  const evaluation = (...parts: EvaluationDone['parts']): EvaluationDone => {
    return { generation: 1, step: 4, parts, confusion: [] };
  };
  expect(() => checkEvaluationDone(evaluation(part({ far: 1 }), part({})))).not.toThrow();
  expect(() => checkEvaluationDone(evaluation(part({ far: 1 }), part(many)))).toThrow(
    "evaluation_done.metrics is '65 of them', expected at most 64",
  );
});
