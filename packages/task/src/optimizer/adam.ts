/**
 * Adam (Kingma and Ba 2015, algorithm 1) and AdamW (Loshchilov and Hutter 2019, algorithm 2). They differ in weight decay: that of
 * Adam is added to the gradient, after clipping, as in torch.optim.Adam; that of AdamW is no part of the gradient.
 *
 * Each has an inner loop of its own. In one loop for both, the decay that does not apply would be zero, and adding a zero can turn
 * the sign of another.
 */
import type { Gradient } from '../arithmetic/gradient-sum.js';
import type { Optimizer, OptimizerState } from './optimizer.js';

export const adam = optimizerWith('adam', updateWithDecayedGradient);

export const adamw = optimizerWith('adamw', updateWithDecayedWeights);

interface UpdateFactors {
  readonly scale: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly rate: number;
  /** Learning rate with the correction of the first moment. */
  readonly correctedRate: number;
  readonly correction2: number;
  /** Weight decay of this slice; 0 where there is none. */
  readonly decay: number;
}

type UpdateSlice = (
  state: OptimizerState,
  gradient: Gradient,
  start: number,
  end: number,
  factors: UpdateFactors,
) => void;

function optimizerWith(name: 'adam' | 'adamw', updateSlice: UpdateSlice): Optimizer {
  return {
    name,
    update(state, gradient, { config, slots, step, rate, scale }) {
      const { beta1, beta2, epsilon, weightDecay } = config;
      const correctedRate = rate / (1 - beta1 ** step);
      const correction2 = 1 / (1 - beta2 ** step);
      const factors = { scale, beta1, beta2, epsilon, rate, correctedRate, correction2 };
      for (const { offset, length, decays } of slots) {
        updateSlice(state, gradient, offset, offset + length, { ...factors, decay: decays ? weightDecay : 0 });
      }
    },
  };
}

// The inner loops are functions of their own with everything in locals: three times as fast as inside the caller.

function updateWithDecayedGradient(
  state: OptimizerState,
  gradient: Gradient,
  start: number,
  end: number,
  factors: UpdateFactors,
): void {
  const { weights, m, v } = state;
  const { scale, beta1, beta2, epsilon, correctedRate, correction2, decay } = factors;
  const [gain1, gain2] = [1 - beta1, 1 - beta2];
  for (let i = start; i < end; i++) {
    const weight = weights[i]!;
    const g = gradient[i]! * scale + decay * weight;
    const first = beta1 * m[i]! + gain1 * g;
    const second = beta2 * v[i]! + gain2 * g * g;
    m[i] = first;
    v[i] = second;
    weights[i] = weight - (correctedRate * first) / (Math.sqrt(second * correction2) + epsilon);
  }
}

function updateWithDecayedWeights(
  state: OptimizerState,
  gradient: Gradient,
  start: number,
  end: number,
  factors: UpdateFactors,
): void {
  const { weights, m, v } = state;
  const { scale, beta1, beta2, epsilon, rate, correctedRate, correction2, decay } = factors;
  const [gain1, gain2] = [1 - beta1, 1 - beta2];
  const keep = 1 - rate * decay;
  for (let i = start; i < end; i++) {
    const g = gradient[i]! * scale;
    const first = beta1 * m[i]! + gain1 * g;
    const second = beta2 * v[i]! + gain2 * g * g;
    m[i] = first;
    v[i] = second;
    weights[i] = weights[i]! * keep - (correctedRate * first) / (Math.sqrt(second * correction2) + epsilon);
  }
}
