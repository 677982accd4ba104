/** How a parameter starts, as a task writes it. */
import type { Initialiser } from '../arithmetic/parameters.js';

export interface ParameterStart {
  readonly shape: readonly number[];
  readonly initialiser: Initialiser;
  /** Whether weight decay applies. */
  readonly decays: boolean;
}

/** Normal numbers, redrawn beyond two standard deviations; weight decay applies. */
export function normal(shape: readonly number[], stddev: number): ParameterStart {
  return { shape, initialiser: { kind: 'normal', stddev }, decays: true };
}

/**
 * A matrix whose outputs have the variance of its inputs: normal with a standard deviation of 1 / sqrt(inputs), which is all
 * axes but the last (LeCun et al. 1998); weight decay applies.
 */
export function weights(shape: readonly number[]): ParameterStart {
  const inputs = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return normal(shape, 1 / Math.sqrt(inputs));
}

/** The same number everywhere, without weight decay. */
export function constant(shape: readonly number[], value: number): ParameterStart {
  return { shape, initialiser: { kind: 'constant', value }, decays: false };
}

/** Zeros, without weight decay: biases. */
export const zeros = (shape: readonly number[]): ParameterStart => constant(shape, 0);

/** Ones, without weight decay: gains. */
export const ones = (shape: readonly number[]): ParameterStart => constant(shape, 1);
