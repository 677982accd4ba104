/**
 * What an optimizer is: a rule that turns the gradient of a step into an update of the weights. Clipping and schedule are not
 * its business: it is given a scale and a rate.
 *
 * Invariant: every rank computes the same bits. A rule works element by element in the order of the flat buffer, in double
 * arithmetic, and rounds to float32 only when it stores. It uses no approximate functions.
 */
import type { OptimizerConfig, OptimizerName } from '@facet/shared';
import type { Gradient } from '../arithmetic/gradient-sum.js';
import type { ParameterLayout } from '../arithmetic/parameters.js';

/**
 * What training changes: weights and two buffers of the same length. An optimizer with one buffer uses `m`, and one without any
 * uses none. What it does not use stays zero. All three are a part of every state and checkpoint.
 */
export interface OptimizerState {
  /** [parameters] */
  readonly weights: Float32Array;
  /** The first moment of Adam, the momentum of SGD and Lion; [parameters]. */
  readonly m: Float32Array;
  /** The second moment of Adam; [parameters]. */
  readonly v: Float32Array;
}

/** One update of all parameters. */
export interface Update {
  readonly config: OptimizerConfig;
  readonly slots: ParameterLayout['slots'];
  /** Number of the update, from 1. */
  readonly step: number;
  /** Learning rate. */
  readonly rate: number;
  /** What the gradient is multiplied by first: the mean over the samples, and clipping. */
  readonly scale: number;
}

export interface Optimizer {
  readonly name: OptimizerName;
  /**
   * Changes the state in place.
   *
   * @param gradient [parameters], summed over the samples of the step; finite, and only read
   */
  update(state: OptimizerState, gradient: Gradient, update: Update): void;
}
