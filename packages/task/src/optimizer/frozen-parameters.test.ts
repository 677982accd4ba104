import { describe, expect, it } from 'vitest';
import { SYSTEM_TRAINING } from '../../../../test/testkit/system-training.js';
import { asGradient } from '../arithmetic/gradient-sum.js';
import { layoutParameters } from '../arithmetic/parameters.js';
import { applyUpdate } from './apply-update.js';
import { trainedParameters } from './frozen-parameters.js';
import { updateAverageOf } from './weight-average.js';

const layout = layoutParameters(
  ['stem.weight', 'stem.bias', 'block0.norm', 'block1.norm', 'head+.bias'].map((name) => ({
    ...{ name, shape: [2], decays: true },
    initialiser: { kind: 'constant' as const, value: 0 },
  })),
);
const trainedNames = (...patterns: string[]): string[] =>
  trainedParameters(layout, patterns).slots.map(({ name }) => name);

describe('the parameters that are trained', () => {
  it('are all but those whose names fit a pattern', () => {
    expect(trainedNames()).toEqual(layout.slots.map(({ name }) => name));
    expect(trainedNames('stem.*')).toEqual(['block0.norm', 'block1.norm', 'head+.bias']);
    expect(trainedNames('block?.norm', 'stem.bias')).toEqual(['stem.weight', 'head+.bias']);
    expect(trainedNames('head+.bias')).not.toContain('head+.bias');
    expect(trainedNames('*.norm')).toEqual(['stem.weight', 'stem.bias', 'head+.bias']);
  });

  it('keep their places in the flat buffer', () => {
    const { slots, length } = trainedParameters(layout, ['stem.*']);
    expect(slots.map(({ offset }) => offset)).toEqual([4, 6, 8]);
    expect(length).toBe(layout.length);
  });

  it('cannot be told by a pattern that fits nothing, nor be none', () => {
    expect(() => trainedNames('stm.*')).toThrow(
      "freeze: 'stm.*' fits no parameter, expected one of stem.weight, stem.bias, block0.norm",
    );
    expect(() => trainedNames('stem')).toThrow(/fits no parameter/);
    expect(() => trainedNames('*')).toThrow('freeze: * leaves no parameter to train');
  });

  it('are named as far as a message can hold, and by their groups', () => {
    const many = layoutParameters(
      Array.from({ length: 40 }, (_, at) => ({
        ...{ name: `block${at % 3}.part${at}`, shape: [1], decays: true },
        initialiser: { kind: 'constant' as const, value: 0 },
      })),
    );
    expect(() => trainedParameters(many, ['blok*'])).toThrow(
      'block0.part6, block1.part7 and 32 more, or a pattern such as block0*, block1*, block2*',
    );
  });
});

it('an update leaves a frozen parameter alone, does not count it in the norm, and its average stands still', () => {
  const config = { ...SYSTEM_TRAINING.optimizer, clipNorm: 0 };
  const weights = Float32Array.from({ length: layout.length }, (_, i) => i / 7);
  const state = { weights: weights.slice(), m: new Float32Array(10), v: new Float32Array(10), ema: weights.slice() };
  const gradient = asGradient(Float32Array.of(3, 4, 0, 0, 5, 12, 0, 0, 0, 0), layout.length);
  const trained = trainedParameters(layout, ['stem.*']);
  const norm = applyUpdate(state, gradient, { config, layout: trained, step: 1, rate: 0.1, gradientScale: 1 });
  updateAverageOf(trained.slots, state.ema, state.weights, 0.3);
  expect(norm).toBe(13);
  for (const part of [state.weights, state.ema]) {
    expect(part.subarray(0, 4)).toEqual(weights.subarray(0, 4));
    // Weight decay alone moves what has no gradient.
    for (let i = 4; i < 10; i++) expect(part[i]).not.toBe(weights[i]);
  }
  expect([...state.m.subarray(0, 4), ...state.v.subarray(0, 4)]).toEqual(new Array<number>(8).fill(0));
});
