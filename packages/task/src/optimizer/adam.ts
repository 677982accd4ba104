/**
 * Adam (Kingma and Ba 2015, algorithm 1) with the weight decay of torch.optim.Adam: it is added to the gradient, after
 * clipping. The loop stands apart from that of AdamW: a decay of zero in one loop for both could turn a zero's sign.
 */
import type { Gradient } from '../gradient-sum.js';
import type { Optimizer, OptimizerState } from './optimizer.js';

export const adam: Optimizer = {
  name: 'adam',
  update(state, gradient, { config, slots, step, rate, scale }) {
    const { beta1, beta2, epsilon, weightDecay } = config;
    const factors = {
      scale,
      beta1,
      beta2,
      epsilon,
      rate: rate / (1 - beta1 ** step),
      correction2: 1 / (1 - beta2 ** step),
    };
    for (const { offset, length, decays } of slots) {
      updateSlice(state, gradient, offset, offset + length, { ...factors, decay: decays ? weightDecay : 0 });
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
  /** The share of a weight that is added to its gradient. */
  readonly decay: number;
}

/** In a function of its own for speed, as in AdamW. */
function updateSlice(
  state: OptimizerState,
  gradient: Gradient,
  start: number,
  end: number,
  factors: UpdateFactors,
): void {
  const { weights, m, v } = state;
  const { scale, beta1, beta2, epsilon, rate, correction2, decay } = factors;
  const [gain1, gain2] = [1 - beta1, 1 - beta2];
  for (let i = start; i < end; i++) {
    const weight = weights[i]!;
    const g = gradient[i]! * scale + decay * weight;
    const first = beta1 * m[i]! + gain1 * g;
    const second = beta2 * v[i]! + gain2 * g * g;
    m[i] = first;
    v[i] = second;
    weights[i] = weight - (rate * first) / (Math.sqrt(second * correction2) + epsilon);
  }
}
