/**
 * Calibration: whether a model that says 90 % is right nine times out of ten. Pure arithmetic over probabilities; the
 * binning is that of Guo et al. 2017, "On Calibration of Modern Neural Networks" (equal widths, confidence = the largest
 * probability).
 */
import { argMax } from '../models/probabilities.js';
import type { Labels } from './mistakes.js';

/** Bins of the reliability diagram and of the expected calibration error. */
export const CALIBRATION_BINS = 15;

export interface ReliabilityBin {
  /** The bin holds confidences in (lower, upper]; the first one holds 0 as well. */
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
  /** Mean confidence of the bin's answers; null for an empty bin. */
  readonly confidence: number | null;
  /** Fraction of the bin's answers that are correct; null for an empty bin. */
  readonly accuracy: number | null;
}

export interface Calibration {
  /** Mean of |accuracy - confidence| over the bins, weighted by their counts: 0 is perfect, 1 the worst. */
  readonly expectedCalibrationError: number;
  /** Mean over samples of -ln(probability of the true class), in nats; Infinity when one has probability 0. */
  readonly negativeLogLikelihood: number;
  /** Mean over samples of the squared distance between probabilities and one-hot truth (Brier 1950): 0 to 2. */
  readonly brierScore: number;
  /** From the least to the most confident answers; CALIBRATION_BINS of them. */
  readonly bins: readonly ReliabilityBin[];
}

/**
 * Measures how far probabilities can be trusted.
 *
 * @param probabilities [samples, classes]
 * @param labels [samples], at least one
 */
export function calibrate(probabilities: Float64Array, labels: Labels, classes: number): Calibration {
  const totals = Array.from({ length: CALIBRATION_BINS }, () => ({ count: 0, confidence: 0, correct: 0 }));
  let logSum = 0;
  let brierSum = 0;
  labels.forEach((label, sample) => {
    const row = probabilities.subarray(sample * classes, (sample + 1) * classes);
    const answer = argMax(row);
    const bin = totals[binOf(row[answer]!)]!;
    bin.count += 1;
    bin.confidence += row[answer]!;
    bin.correct += answer === label ? 1 : 0;
    logSum -= Math.log(row[label]!);
    row.forEach((probability, c) => (brierSum += (probability - (c === label ? 1 : 0)) ** 2));
  });
  const samples = labels.length;
  const gaps = totals.map(({ confidence, correct }) => Math.abs(correct - confidence));
  return {
    expectedCalibrationError: gaps.reduce((sum, gap) => sum + gap, 0) / samples,
    negativeLogLikelihood: logSum / samples,
    brierScore: brierSum / samples,
    bins: totals.map(({ count, confidence, correct }, i) => ({
      lower: i / CALIBRATION_BINS,
      upper: (i + 1) / CALIBRATION_BINS,
      count,
      confidence: count === 0 ? null : confidence / count,
      accuracy: count === 0 ? null : correct / count,
    })),
  };
}

function binOf(confidence: number): number {
  return Math.max(0, Math.min(CALIBRATION_BINS, Math.ceil(confidence * CALIBRATION_BINS)) - 1);
}
