/**
 * Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2): the sign of an interpolation between
 * momentum and gradient, with decoupled weight decay. The momentum is `m`; `v` stays zero. The sign of zero is zero.
 */
import type { Gradient } from '../arithmetic/gradient-sum.js';
import type { Optimizer, OptimizerState } from './optimizer.js';

export const lion: Optimizer = {
  name: 'lion',
  update(state, gradient, { config, slots, rate, scale }) {
    const { beta1, beta2, weightDecay } = config;
    for (const { offset, length, decays } of slots) {
      const keep = decays ? 1 - rate * weightDecay : 1;
      updateSlice(state, gradient, offset, offset + length, { scale, beta1, beta2, rate, keep });
    }
  },
};

interface UpdateFactors {
  readonly scale: number;
  /** How much of the momentum the update and the momentum itself keep. */
  readonly beta1: number;
  readonly beta2: number;
  readonly rate: number;
  /** What weight decay leaves of a weight. */
  readonly keep: number;
}

/** In a function of its own for speed, as in adam.ts. */
function updateSlice(
  state: OptimizerState,
  gradient: Gradient,
  start: number,
  end: number,
  factors: UpdateFactors,
): void {
  const { weights, m } = state;
  const { scale, beta1, beta2, rate, keep } = factors;
  const [gain1, gain2] = [1 - beta1, 1 - beta2];
  for (let i = start; i < end; i++) {
    const g = gradient[i]! * scale;
    const momentum = m[i]!;
    const direction = Math.sign(beta1 * momentum + gain1 * g);
    m[i] = beta2 * momentum + gain2 * g;
    weights[i] = weights[i]! * keep - rate * direction;
  }
}
