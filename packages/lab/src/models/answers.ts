/** Answers of a model, sample by sample. */
import type { Answers, LoadedModel } from './loaded-model.js';

/** What a model says to one sample. */
export interface SampleAnswer {
  /** Where answers are classes: every class by its index, the most probable first. */
  readonly guesses?: readonly { readonly class: number; readonly probability: number }[];
  /** The logits, or the numbers of another answer. */
  readonly values: Float32Array;
  /** Of the values; [] for a single number. */
  readonly shape: readonly number[];
}

/** One answer for each sample. */
export function answersBySample({ isClassifier }: LoadedModel, answers: Answers, count: number): SampleAnswer[] {
  const name = isClassifier ? 'logits' : Object.keys(answers.outputs)[0]!;
  const shape = answers.shapes[name]!;
  const rowOf = (output: string, row: number): Float32Array => {
    const values = answers.outputs[output]!;
    return values.slice((row * values.length) / count, ((row + 1) * values.length) / count);
  };
  return Array.from({ length: count }, (_, row) => {
    const values = rowOf(name, row);
    if (!isClassifier) return { values, shape };
    const guesses = [...rowOf('probabilities', row)]
      .map((probability, index) => ({ class: index, probability }))
      .sort((a, b) => b.probability - a.probability || a.class - b.class);
    return { guesses, values, shape };
  });
}
