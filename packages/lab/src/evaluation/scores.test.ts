import { describe, expect, it } from 'vitest';
import { calibrate, CALIBRATION_BINS } from './calibration.js';
import { topMistakes } from './mistakes.js';
import { argMax, softmaxRows } from '../models/probabilities.js';
import { scoreAnswers } from './scores.js';

describe('softmaxRows', () => {
  it('gives exp(logit) over the sum of its row', () => {
    const probabilities = softmaxRows([Math.log(1), Math.log(3), 0, 0], 2);
    [0.25, 0.75, 0.5, 0.5].forEach((expected, i) => expect(probabilities[i]).toBeCloseTo(expected, 15));
  });

  it('does not overflow', () => {
    expect([...softmaxRows([1_000, 0], 2)]).toEqual([1, 0]);
  });
});

it('answers with the first of equal logits', () => {
  expect(argMax([1, 2, 2])).toBe(1);
});

describe('calibrate', () => {
  // Confidences 0.9 right, 0.9 wrong, 0.6 right; two classes.
  const probabilities = Float64Array.of(0.9, 0.1, 0.1, 0.9, 0.4, 0.6);
  const labels = Uint8Array.of(0, 0, 1);
  const calibration = calibrate(probabilities, labels, 2);

  it('weighs the gaps of the bins by their counts', () => {
    // Bin (13/15, 14/15]: 2 answers, accuracy 0.5, confidence 0.9. Bin (8/15, 9/15]: 1 answer, accuracy 1, confidence 0.6.
    expect(calibration.expectedCalibrationError).toBeCloseTo((2 / 3) * 0.4 + (1 / 3) * 0.4, 12);
    expect(calibration.bins).toHaveLength(CALIBRATION_BINS);
    expect(calibration.bins[13]).toMatchObject({ count: 2, confidence: 0.9, accuracy: 0.5 });
    expect(calibration.bins[8]).toMatchObject({ count: 1, confidence: 0.6, accuracy: 1 });
    expect(calibration.bins[0]).toEqual({ lower: 0, upper: 1 / 15, count: 0, confidence: null, accuracy: null });
  });

  it('has the mean surprise about the truth as its negative log-likelihood', () => {
    const expected = -(Math.log(0.9) + Math.log(0.1) + Math.log(0.6)) / 3;
    expect(calibration.negativeLogLikelihood).toBeCloseTo(expected, 12);
  });

  it('has the mean squared distance to the truth as its Brier score', () => {
    expect(calibration.brierScore).toBeCloseTo((2 * 0.01 + 2 * 0.81 + 2 * 0.16) / 3, 12);
  });

  it('puts a confidence of 1 into the last bin', () => {
    const sure = calibrate(Float64Array.of(1, 0), Uint8Array.of(0), 2);
    expect(sure.bins[CALIBRATION_BINS - 1]).toMatchObject({ count: 1, confidence: 1, accuracy: 1 });
    expect(sure).toMatchObject({ expectedCalibrationError: 0, negativeLogLikelihood: 0, brierScore: 0 });
  });
});

it('lists the surest mistakes first, and of equal ones the earlier sample', () => {
  const probabilities = Float64Array.of(0.8, 0.2, 0.4, 0.6, 0.1, 0.9, 0.2, 0.8);
  const labels = Uint8Array.of(1, 1, 0, 0);
  const options = { classes: 2, limit: 2 };
  expect(topMistakes(probabilities, labels, options)).toEqual([
    { sample: 2, truth: 0, answer: 1, confidence: 0.9, truthProbability: 0.1 },
    { sample: 0, truth: 1, answer: 0, confidence: 0.8, truthProbability: 0.2 },
  ]);
});

describe('scoreAnswers', () => {
  it('counts answers by true class and gives each class its accuracy', () => {
    const logits = Float32Array.of(2, 0, 0, 0, 2, 0, 2, 0, 0, 0, 0, 2);
    const scores = scoreAnswers(logits, Uint8Array.of(0, 1, 1, 2), 3);
    expect(scores.accuracy).toBe(0.75);
    expect(scores.perClass).toEqual([1, 0.5, 1]);
    expect(scores.confusion).toEqual([
      [1, 0, 0],
      [1, 1, 0],
      [0, 0, 1],
    ]);
    expect(scores.topMistakes.map(({ sample }) => sample)).toEqual([2]);
    expect(scores.loss).toBe(scores.calibration.negativeLogLikelihood);
  });

  it('names the sample whose logits are no numbers', () => {
    const logits = Float32Array.of(1, 0, Number.NaN, 0);
    expect(() => scoreAnswers(logits, Uint8Array.of(0, 1), 2)).toThrow(
      'test sample 1 has the logit NaN, expected a finite number',
    );
  });
});
