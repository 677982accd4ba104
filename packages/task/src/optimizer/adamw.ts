/** AdamW (Loshchilov and Hutter 2019, algorithm 2): Adam with a weight decay that is no part of the gradient. */
import type { Gradient } from '../gradient-sum.js';
import type { Optimizer, OptimizerState } from './optimizer.js';

export const adamw: Optimizer = {
  name: 'adamw',
  update(state, gradient, { config, slots, step, rate, scale }) {
    const { beta1, beta2, epsilon } = config;
    const factors = {
      scale,
      beta1,
      beta2,
      epsilon,
      rate: rate / (1 - beta1 ** step),
      correction2: 1 / (1 - beta2 ** step),
    };
    for (const { offset, length, decays } of slots) {
      updateSlice(state, gradient, offset, offset + length, {
        ...factors,
        keep: decays ? 1 - rate * config.weightDecay : 1,
      });
    }
  },
};

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
