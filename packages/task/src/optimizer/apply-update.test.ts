import { describe, expect, it } from 'vitest';
import { SYSTEM_TRAINING } from '../../../../test/testkit/system-training.js';
import { asGradient, type Gradient } from '../arithmetic/gradient-sum.js';
import { layoutParameters } from '../arithmetic/parameters.js';
import { applyUpdate, gradientNorm } from './apply-update.js';
import { learningRate } from './learning-rate.js';

const config = {
  ...SYSTEM_TRAINING.optimizer,
  peakLearningRate: 0.1,
  warmupShare: 0.1,
  finalShare: 0,
  clipNorm: 0,
};
const layout = layoutParameters([
  { name: 'weight', shape: [2], initialiser: { kind: 'constant', value: 0 }, decays: true },
  { name: 'bias', shape: [1], initialiser: { kind: 'constant', value: 0 }, decays: false },
]);
const gradientOf = (...values: number[]) => asGradient(Float32Array.from(values), layout.length);
const start = () => ({ weights: Float32Array.of(1, -2, 3), m: new Float32Array(3), v: new Float32Array(3) });

describe('the learning rate', () => {
  it('rises linearly to the peak and falls along a cosine to its final share', () => {
    expect(learningRate(config, 1, 100)).toBeCloseTo(0.01, 12);
    expect(learningRate(config, 10, 100)).toBeCloseTo(0.1, 12);
    expect(learningRate(config, 55, 100)).toBeCloseTo(0.05, 12); // half way down: (1 + cos(pi / 2)) / 2
    expect(learningRate({ ...config, finalShare: 0.2 }, 100, 100)).toBeCloseTo(0.02, 12);
  });
});

describe('AdamW', () => {
  it('does the arithmetic of the paper on the first step', () => {
    const state = start();
    const options = { config, layout, step: 1, rate: learningRate(config, 1, 10), gradientScale: 0.5 };
    const norm = applyUpdate(state, gradientOf(2, -4, 6), options);
    // mean gradient (1, -2, 3); m / (1 - beta1) = g, v / (1 - beta2) = g^2, so every step is rate * sign(g).
    expect(norm).toBeCloseTo(Math.sqrt(14), 6);
    const keep = 1 - 0.1 * config.weightDecay;
    expect(state.weights[0]).toBeCloseTo(1 * keep - 0.1, 6);
    expect(state.weights[1]).toBeCloseTo(-2 * keep + 0.1, 6);
    expect(state.weights[2]).toBeCloseTo(3 - 0.1, 6); // biases do not decay
  });

  it('clips by the global norm', () => {
    const clipped = start();
    const scaled = start();
    const gradient = gradientOf(3, 0, 4);
    const base = { layout, step: 1, rate: learningRate(config, 1, 10) };
    applyUpdate(clipped, gradient, { ...base, config: { ...config, clipNorm: 1 }, gradientScale: 1 });
    applyUpdate(scaled, gradient, { ...base, config, gradientScale: 0.2 });
    expect(clipped).toEqual(scaled);
  });

  it('refuses a gradient with something behind it, and touches nothing', () => {
    const state = start();
    const withAccounting = Float32Array.of(3, 0, 4, 0.7, 200, 256, 8_000_000) as Gradient;
    const options = {
      config: { ...config, clipNorm: 1 },
      layout,
      step: 1,
      rate: learningRate(config, 1, 10),
      gradientScale: 1,
    };
    expect(() => applyUpdate(state, withAccounting, options)).toThrow(/7 elements for 3 parameters/);
    expect(state).toEqual(start());
  });

  it('leaves the state alone when the gradient is not finite', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const state = start();
      const norm = applyUpdate(state, gradientOf(1, bad, 1), {
        config,
        layout,
        step: 1,
        rate: learningRate(config, 1, 10),
        gradientScale: 1,
      });
      expect(Number.isFinite(norm)).toBe(false);
      expect(state).toEqual(start());
    }
  });

  it('reduces a quadratic', () => {
    const state = start();
    for (let step = 1; step <= 300; step++) {
      applyUpdate(state, gradientOf(...state.weights), {
        config,
        layout,
        step,
        rate: learningRate(config, step, 300),
        gradientScale: 1,
      });
    }
    expect(gradientNorm(gradientOf(...state.weights), 1, layout.slots)).toBeLessThan(0.05);
  });
});

describe('the sign of a zero', () => {
  /** The first moment after a gradient of minus zero, where nothing decays. */
  const momentAfter = (name: 'adam' | 'adamw'): number => {
    const state = { ...start(), m: Float32Array.of(0, 0, -0) };
    const options = {
      config: { ...config, name },
      layout,
      step: 1,
      rate: learningRate(config, 1, 10),
      gradientScale: 1,
    };
    applyUpdate(state, gradientOf(1, 1, -0), options);
    return state.m[2]!;
  };

  it('stays in AdamW, which adds nothing to the gradient, and turns in Adam, which adds a decay of zero', () => {
    expect(momentAfter('adamw')).toBe(-0);
    expect(momentAfter('adam')).toBe(0);
  });
});
