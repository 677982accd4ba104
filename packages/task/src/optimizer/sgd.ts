/**
 * Stochastic gradient descent as torch.optim.SGD has it, without dampening: weight decay is added to the gradient, and the rate
 * multiplies the momentum, not what goes into it (Sutskever et al. 2013 do the latter). The momentum is `m`; `v` stays zero.
 * Without momentum `m` does too.
 */
import type { Gradient } from '../arithmetic/gradient-sum.js';
import type { Optimizer, OptimizerState } from './optimizer.js';

export const sgd: Optimizer = {
  name: 'sgd',
  update(state, gradient, { config, slots, rate, scale }) {
    const { momentum, nesterov, weightDecay } = config;
    const updateSlice = momentum === 0 ? descend : nesterov ? lookAhead : followMomentum;
    for (const { offset, length, decays } of slots) {
      updateSlice(state, gradient, offset, offset + length, { scale, momentum, rate, decay: decays ? weightDecay : 0 });
    }
  },
};

interface UpdateFactors {
  readonly scale: number;
  readonly momentum: number;
  readonly rate: number;
  /** The share of a weight that is added to its gradient. */
  readonly decay: number;
}

// Three inner loops, each a function of its own with everything in locals, for speed. One loop for both kinds of momentum, with a
// condition inside, takes half as long again.

function descend(state: OptimizerState, gradient: Gradient, start: number, end: number, factors: UpdateFactors): void {
  const { weights } = state;
  const { scale, rate, decay } = factors;
  for (let i = start; i < end; i++) {
    const weight = weights[i]!;
    weights[i] = weight - rate * (gradient[i]! * scale + decay * weight);
  }
}

function followMomentum(
  state: OptimizerState,
  gradient: Gradient,
  start: number,
  end: number,
  factors: UpdateFactors,
): void {
  const { weights, m } = state;
  const { scale, momentum, rate, decay } = factors;
  for (let i = start; i < end; i++) {
    const weight = weights[i]!;
    // m starts as zeros, so its first value is the first gradient, as in PyTorch.
    const velocity = momentum * m[i]! + (gradient[i]! * scale + decay * weight);
    m[i] = velocity;
    weights[i] = weight - rate * velocity;
  }
}

function lookAhead(
  state: OptimizerState,
  gradient: Gradient,
  start: number,
  end: number,
  factors: UpdateFactors,
): void {
  const { weights, m } = state;
  const { scale, momentum, rate, decay } = factors;
  for (let i = start; i < end; i++) {
    const weight = weights[i]!;
    const g = gradient[i]! * scale + decay * weight;
    const velocity = momentum * m[i]! + g;
    m[i] = velocity;
    weights[i] = weight - rate * (g + momentum * velocity);
  }
}
