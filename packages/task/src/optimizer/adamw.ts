/**
 * AdamW on one flat buffer (Loshchilov and Hutter 2019, algorithm 2), written so that every rank computes the same bits:
 * double arithmetic in a fixed order, rounded to float32 only when stored, no approximate functions.
 */
import type { OptimizerConfig } from '@facet/shared';
import { asGradient, type Gradient } from '../gradient-sum.js';
import type { ParameterLayout } from '../parameters.js';

export interface OptimizerState {
  /** [parameters] */
  readonly weights: Float32Array;
  /** First and second moments, [parameters] each. */
  readonly m: Float32Array;
  readonly v: Float32Array;
}

export interface UpdateOptions {
  readonly config: OptimizerConfig;
  readonly layout: ParameterLayout;
  /** Number of this update, from 1. */
  readonly step: number;
  readonly totalSteps: number;
  /** The gradient is multiplied by this first: one over the number of real samples. */
  readonly gradientScale: number;
}

/** Linear warm-up from 0 to the peak, then a cosine down to finalShare of it (Loshchilov and Hutter 2017). */
export function learningRate(config: OptimizerConfig, step: number, totalSteps: number): number {
  const warmupSteps = Math.max(1, Math.round(config.warmupShare * totalSteps));
  if (step <= warmupSteps) return (config.peakLearningRate * step) / warmupSteps;
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  const cosine = 0.5 * (1 + Math.cos(Math.PI * progress));
  return config.peakLearningRate * (config.finalShare + (1 - config.finalShare) * cosine);
}

/** The Euclidean norm of a flat gradient times a scale. */
export function gradientNorm(gradient: Gradient, scale: number): number {
  let sum = 0;
  // An index loop: iterating a typed array costs five times as much.
  for (let i = 0; i < gradient.length; i++) sum += gradient[i]! * gradient[i]!;
  return Math.sqrt(sum) * scale;
}

/**
 * Applies one update in place.
 *
 * @param gradient [parameters], summed over the samples of the step; only read
 * @returns the norm of the mean gradient before clipping; the state is untouched when it is not finite
 * @throws TrainingError INTERNAL when the gradient has more or fewer elements than the layout: a norm over anything else is wrong
 */
export function applyAdamW(state: OptimizerState, gradient: Gradient, options: UpdateOptions): number {
  const { config, layout, step, totalSteps, gradientScale } = options;
  asGradient(gradient, layout.length);
  const norm = gradientNorm(gradient, gradientScale);
  if (!Number.isFinite(norm)) return norm;
  const clip = config.clipNorm > 0 && norm > config.clipNorm ? config.clipNorm / norm : 1;
  const scale = gradientScale * clip;
  const rate = learningRate(config, step, totalSteps);
  const { beta1, beta2, epsilon } = config;
  const factors = {
    scale,
    beta1,
    beta2,
    epsilon,
    rate: rate / (1 - beta1 ** step),
    correction2: 1 / (1 - beta2 ** step),
  };
  for (const { offset, length, decays } of layout.slots) {
    updateSlice(state, gradient, offset, offset + length, {
      ...factors,
      keep: decays ? 1 - rate * config.weightDecay : 1,
    });
  }
  return norm;
}

interface UpdateFactors {
  readonly scale: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Learning rate with the correction of the first moment. */
  readonly rate: number;
  readonly correction2: number;
  /** What weight decay leaves of a weight. */
  readonly keep: number;
}

/** The inner loop, in a function of its own with everything in locals: three times as fast as inside the caller. */
function updateSlice(
  state: OptimizerState,
  gradient: Gradient,
  start: number,
  end: number,
  factors: UpdateFactors,
): void {
  const { weights, m, v } = state;
  const { scale, beta1, beta2, epsilon, rate, correction2, keep } = factors;
  const [gain1, gain2] = [1 - beta1, 1 - beta2];
  for (let i = start; i < end; i++) {
    const g = gradient[i]! * scale;
    const first = beta1 * m[i]! + gain1 * g;
    const second = beta2 * v[i]! + gain2 * g * g;
    m[i] = first;
    v[i] = second;
    weights[i] = weights[i]! * keep - (rate * first) / (Math.sqrt(second * correction2) + epsilon);
  }
}
