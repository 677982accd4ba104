/** Intervals, paired tests, corrections, calibration and confusion against SciPy. */
import { describe, expect, it } from 'vitest';
import { wilsonInterval } from '@facet/shared';
import { holmAdjusted, pairedDifference } from '../packages/lab/src/study/paired-differences.js';
import { twoSidedP, twoSidedQuantile } from '../packages/lab/src/study/student-t.js';
import { scoreAnswers } from '../packages/lab/src/evaluation/scores.js';
import { scoreLogits } from '../packages/task/src/arithmetic/score-logits.js';
import { expectClose, storedNumbers } from './stored-numbers.js';

interface Statistics {
  readonly wilson: readonly { hits: number; samples: number; low: number; high: number }[];
  readonly student: readonly { degrees: number; t: number; p: number }[];
  readonly quantiles: readonly { degrees: number; p: number; t: number }[];
  readonly paired: readonly {
    name: string;
    arm: readonly number[];
    baseline: readonly number[];
    mean: number;
    low: number;
    high: number;
    p: number;
  }[];
  readonly holm: readonly { ps: readonly number[]; adjusted: readonly number[] }[];
  readonly scores: readonly {
    name: string;
    classes: number;
    labels: readonly number[];
    logits: readonly number[];
    accuracy: number;
    loss: number;
    expectedCalibrationError: number;
    brierScore: number;
    binCounts: readonly number[];
    confusion: readonly (readonly number[])[];
    perClass: readonly number[];
  }[];
}

const { wilson, student, quantiles, paired, holm, scores } = storedNumbers<Statistics>('statistics');

it.each(wilson)('Wilson: $hits of $samples', ({ hits, samples, low, high }) => {
  const interval = wilsonInterval(hits / samples, samples);
  expect(interval.low).toBeCloseTo(low, 12);
  expect(interval.high).toBeCloseTo(high, 12);
});

it.each(student)('t of $t with $degrees degrees of freedom has the p of SciPy', ({ degrees, t, p }) => {
  expectClose([twoSidedP(t, degrees)], [p], 1e-9, 'p');
});

it.each(quantiles)('p of $p with $degrees degrees of freedom has the t of SciPy', ({ degrees, p, t }) => {
  expectClose([twoSidedQuantile(p, degrees)], [t], 1e-9, 't');
});

it.each(paired)('a paired difference is that of ttest_rel: $name', ({ arm, baseline, ...expected }) => {
  const bySeed = (accuracies: readonly number[]): ReadonlyMap<number, number> => new Map(accuracies.entries());
  const { mean, interval, p } = pairedDifference(bySeed(arm), bySeed(baseline))!;
  const { mean: expectedMean, low, high } = expected;
  expect(mean).toBeCloseTo(expectedMean, 12);
  expectClose(interval!, [low, high], 1e-9, 'interval');
  expectClose([p!], [expected.p], 1e-9, 'p');
});

it.each(holm)("Holm's adjustment of $ps is that of the closed test", ({ ps, adjusted }) => {
  expectClose(holmAdjusted(ps), adjusted, 1e-12, 'adjusted p');
});

describe.each(scores)('scores: $name', (of) => {
  const labels = Uint8Array.from(of.labels);
  const logits = Float32Array.from(of.logits);

  it('have the accuracy, loss, calibration and confusion of NumPy and SciPy', () => {
    const { accuracy, loss, calibration, confusion, perClass } = scoreAnswers(logits, labels, of.classes);
    expect(confusion).toEqual(of.confusion);
    expect(calibration.bins.map(({ count }) => count)).toEqual(of.binCounts);
    const { expectedCalibrationError, brierScore } = calibration;
    expectClose(
      [accuracy, loss, expectedCalibrationError, brierScore, ...perClass],
      [of.accuracy, of.loss, of.expectedCalibrationError, of.brierScore, ...of.perClass],
      1e-12,
      'accuracy, loss, calibration error, Brier score, accuracy by class',
    );
  });

  it('of a run have the same', () => {
    const confusion = new Uint32Array(of.classes ** 2);
    const lossSum = scoreLogits({ logits, labels, classes: of.classes, confusion });
    expectClose([lossSum], [of.loss * labels.length], 1e-12, 'loss');
    expect([...confusion]).toEqual(of.confusion.flat());
  });
});
