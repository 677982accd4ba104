/**
 * The exponential moving average of the weights (Polyak averaging). It is a function of the sequence of weights alone: double
 * arithmetic in the order of the flat buffer, rounded to float32 when stored, so every rank has the same bits. Which weights
 * are evaluated is decided elsewhere.
 */
import type { ParameterLayout } from '../arithmetic/parameters.js';

/** The decay of an update: it grows from 2/11 to its limit, so that the average soon forgets the initial weights. */
export function decayAt(limit: number, step: number): number {
  return Math.min(limit, (1 + step) / (10 + step));
}

/**
 * Takes the weights after a step into their average, in place.
 *
 * @param average [parameters]
 * @param weights [parameters], only read
 * @param decay what the average keeps of itself
 */
export function updateAverage(average: Float32Array, weights: Float32Array, decay: number): void {
  const gain = 1 - decay;
  for (let i = 0; i < average.length; i++) average[i] = decay * average[i]! + gain * weights[i]!;
}

/** As updateAverage, of some parameters: the average of one that stands still would drift by its rounding. */
export function updateAverageOf(
  slots: ParameterLayout['slots'],
  average: Float32Array,
  weights: Float32Array,
  decay: number,
): void {
  for (const { offset, length } of slots) {
    updateAverage(average.subarray(offset, offset + length), weights.subarray(offset, offset + length), decay);
  }
}
