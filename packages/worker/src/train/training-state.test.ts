import { changeOfState } from '@facet/shared';
import { describe, expect, it } from 'vitest';
import type { Compute } from '@facet/engine';
import { allocateTrainingState, copyState, markApplied, resetState, showWeights } from './training-state.js';

const engineOf = () => ({
  weights: new Float32Array(2),
  changes: 0,
  weightsChanged() {
    this.changes += 1;
  },
});

describe('a training state', () => {
  it('without an average is the engine’s own buffer, and is never copied there', () => {
    const engine = engineOf();
    const state = allocateTrainingState(engine.weights, { emaDecay: 0 });
    expect(state.weights).toBe(engine.weights);
    showWeights(state, engine as unknown as Compute, 'evaluate');
    expect(engine.changes).toBe(0);
    expect(copyState(state)).not.toHaveProperty('ema');
  });

  it('with an average shows it for evaluations only, and gives away the weights all the while', () => {
    const engine = engineOf();
    const state = allocateTrainingState(engine.weights, { emaDecay: 0.9 });
    resetState(state, Float32Array.of(1, 2));
    expect(state.ema).toEqual(Float32Array.of(1, 2));
    state.ema!.set([5, 6]);
    markApplied(state, 1);
    showWeights(state, engine as unknown as Compute, 'evaluate');
    expect([...engine.weights]).toEqual([5, 6]);
    expect(copyState(state)).toMatchObject({ step: 1, weights: Float32Array.of(1, 2), ema: Float32Array.of(5, 6) });
    showWeights(state, engine as unknown as Compute, 'train');
    expect([...engine.weights]).toEqual([1, 2]);
    expect(engine.changes).toBe(2);
  });

  it('is told from another one by its average too', () => {
    const state = allocateTrainingState(new Float32Array(2), { emaDecay: 0.9 });
    resetState(state, Float32Array.of(1, 2));
    const { weightsCrc } = state;
    state.ema![0] = 7;
    markApplied(state, 0);
    expect(state.weightsCrc).not.toBe(weightsCrc);
  });

  it.each(['weights', 'm', 'v', 'ema'] as const)('knows when a bit of its %s has changed by itself', (name) => {
    const state = allocateTrainingState(new Float32Array(2), { emaDecay: 0.9 });
    resetState(state, Float32Array.of(1, 2));
    expect(changeOfState(state)).toBeUndefined();
    new Uint8Array(state[name]!.buffer)[5]! ^= 1;
    expect(changeOfState(state)).toMatch(name === 'm' || name === 'v' ? /^the moments have/ : /^the weights have/);
  });
});
