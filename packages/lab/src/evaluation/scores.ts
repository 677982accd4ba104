/**
 * The figures of a set of answers: accuracy in all and per class, confusion, calibration, the worst mistakes. Pure. The caller
 * brings the logits, with or without test-time augmentation.
 */
import { TrainingError, wilsonInterval, type Interval } from '@facet/shared';
import { calibrate, type Calibration } from './calibration.js';
import { topMistakes, type Labels, type Mistake } from './mistakes.js';
import { argMax, softmaxRows } from '../models/probabilities.js';

/** Number of mistakes that are kept. */
export const MISTAKES_KEPT = 20;

export interface Scores {
  /** Fraction of correct answers. */
  readonly accuracy: number;
  /** The 95 % interval of the accuracy after Wilson, for this number of samples. */
  readonly accuracyInterval: Interval;
  /** Mean cross-entropy in nats, without label smoothing: the negative log-likelihood. */
  readonly loss: number;
  /** Fraction of correct answers among the samples of each class; 0 for a class without samples. */
  readonly perClass: readonly number[];
  /** [true class][answer] */
  readonly confusion: readonly (readonly number[])[];
  readonly calibration: Calibration;
  /** The most confident wrong answers, at most MISTAKES_KEPT. */
  readonly topMistakes: readonly Mistake[];
}

/**
 * Scores logits against labels.
 *
 * @param logits [samples, classes]
 * @param labels [samples], at least one
 * @throws TrainingError NON_FINITE naming the first sample whose logits are not all finite numbers.
 */
export function scoreAnswers(logits: Float32Array | Float64Array, labels: Labels, classes: number): Scores {
  const bad = logits.findIndex((logit) => !Number.isFinite(logit));
  if (bad !== -1) {
    throw new TrainingError(
      'NON_FINITE',
      `test sample ${Math.floor(bad / classes)} has the logit ${logits[bad]}, expected a finite number; use an earlier checkpoint`,
    );
  }
  const probabilities = softmaxRows(logits, classes);
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  labels.forEach((label, sample) => {
    const answer = argMax(logits.subarray(sample * classes, (sample + 1) * classes));
    confusion[label]![answer]! += 1;
  });
  const correct = confusion.map((row, label) => row[label]!);
  const calibration = calibrate(probabilities, labels, classes);
  const accuracy = sum(correct) / labels.length;
  return {
    accuracy,
    accuracyInterval: wilsonInterval(accuracy, labels.length),
    loss: calibration.negativeLogLikelihood,
    perClass: confusion.map((row, label) => correct[label]! / Math.max(1, sum(row))),
    confusion,
    calibration,
    topMistakes: topMistakes(probabilities, labels, { classes, limit: MISTAKES_KEPT }),
  };
}

/** Replaces positions in the scores by ids of the split, which people look for. */
export function namedBy(ids: Uint32Array, scores: Scores): Scores {
  const topMistakes = scores.topMistakes.map((mistake) => ({ ...mistake, sample: ids[mistake.sample]! }));
  return { ...scores, topMistakes };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
