/**
 * The update of a step: mean over the samples, clipping by the global norm, and then the optimizer that the configuration
 * names. Every rank computes the same bits (optimizer.ts).
 */
import type { OptimizerConfig, OptimizerName } from '@facet/shared';
import { asGradient, type Gradient } from '../arithmetic/gradient-sum.js';
import type { ParameterLayout } from '../arithmetic/parameters.js';
import { adam, adamw } from './adam.js';
import { lion } from './lion.js';
import type { Optimizer, OptimizerState } from './optimizer.js';
import { sgd } from './sgd.js';

/** Every optimizer by its name in the configuration. */
const OPTIMIZERS: Readonly<Record<OptimizerName, Optimizer>> = { adamw, adam, sgd, lion };

export interface UpdateOptions {
  readonly config: OptimizerConfig;
  /** The parameters that are trained; what lies between them is left alone (frozen-parameters.ts). */
  readonly layout: ParameterLayout;
  /** Number of this update, from 1. */
  readonly step: number;
  /** Learning rate. */
  readonly rate: number;
  /** The gradient is multiplied by this first: one over the number of real samples. */
  readonly gradientScale: number;
}

/** The Euclidean norm of the gradient of some parameters times a scale. */
export function gradientNorm(gradient: Gradient, scale: number, slots: ParameterLayout['slots']): number {
  let sum = 0;
  for (const { offset, length } of slots) {
    // An index loop: iterating a typed array costs five times as much.
    for (let i = offset; i < offset + length; i++) sum += gradient[i]! * gradient[i]!;
  }
  return Math.sqrt(sum) * scale;
}

/**
 * Applies one update in place.
 *
 * @param gradient [parameters], summed over the samples of the step; only read
 * @returns the norm of the mean gradient before clipping; the state is untouched when it is not finite
 * @throws TrainingError INTERNAL when the gradient has more or fewer elements than the layout: a norm over anything else is wrong
 */
export function applyUpdate(state: OptimizerState, gradient: Gradient, options: UpdateOptions): number {
  const { config, layout, step, rate, gradientScale } = options;
  asGradient(gradient, layout.length);
  const norm = gradientNorm(gradient, gradientScale, layout.slots);
  if (!Number.isFinite(norm)) return norm;
  const clip = config.clipNorm > 0 && norm > config.clipNorm ? config.clipNorm / norm : 1;
  const scale = gradientScale * clip;
  OPTIMIZERS[config.name].update(state, gradient, { config, slots: layout.slots, step, rate, scale });
  return norm;
}
