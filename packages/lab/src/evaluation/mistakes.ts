/**
 * The most confident mistakes of a model. They are worth looking at, because either the model or the label is badly wrong
 * there. Pure.
 */
import { argMax } from '../models/probabilities.js';

/** True classes, one for each sample. */
export type Labels = Uint8Array | Int32Array;

export interface Mistake {
  /** The sample: its position among those that were scored, or its id in their split. */
  readonly sample: number;
  /** True class. */
  readonly truth: number;
  /** The class that the model took it for. */
  readonly answer: number;
  /** Probability of the answer. */
  readonly confidence: number;
  /** Probability of the true class. */
  readonly truthProbability: number;
}

/**
 * At most `limit` wrong answers, the most confident first; of equal ones the smaller id.
 *
 * @param probabilities [samples, classes]
 * @param labels [samples]
 */
export function topMistakes(
  probabilities: Float64Array,
  labels: Labels,
  { classes, limit }: { readonly classes: number; readonly limit: number },
): Mistake[] {
  const mistakes: Mistake[] = [];
  labels.forEach((truth, sample) => {
    const row = probabilities.subarray(sample * classes, (sample + 1) * classes);
    const answer = argMax(row);
    if (answer === truth) return;
    mistakes.push({ sample, truth, answer, confidence: row[answer]!, truthProbability: row[truth]! });
  });
  return mistakes.sort((a, b) => b.confidence - a.confidence || a.sample - b.sample).slice(0, limit);
}
