/** Models of tf.layers: names and first weights are the same in every process, and follow the seed. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ModelContext, TaskModel } from '../define/define-task.js';
import { fromLayers } from './from-layers.js';

beforeAll(() => tf.setBackend('cpu'));

const context = (seed: number): ModelContext => ({
  fields: { x: { type: 'float32', shape: [4] }, label: { type: 'int32', shape: [] } },
  classes: ['a', 'b'],
  options: {},
  microBatch: 2,
  seed,
});

const build = (isFrozen = false): ((of: ModelContext) => TaskModel) =>
  fromLayers(() =>
    tf.sequential({
      layers: [
        tf.layers.dense({ units: 3, inputShape: [4], trainable: !isFrozen }),
        tf.layers.dense({ units: 2, name: 'answer' }),
      ],
    }),
  );

const valuesOf = (model: TaskModel, name: string): readonly number[] => {
  const { initialiser } = model.parameters[name]!;
  return initialiser.kind === 'given' ? [...initialiser.values] : [];
};

it('names its parameters by the place of a layer in the model, however many were made before', () => {
  const names = ['dense_1/kernel', 'dense_1/bias', 'answer/kernel', 'answer/bias'];
  expect(Object.keys(build()(context(1)).parameters)).toEqual(names);
  expect(Object.keys(build()(context(1)).parameters)).toEqual(names);
});

it('starts with weights that are a function of the seed', () => {
  const [one, again, other] = [1, 1, 2].map((seed) => valuesOf(build()(context(seed)), 'dense_1/kernel'));
  expect(one).toHaveLength(12);
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
});

it('does not learn a frozen layer, but computes with it', () => {
  const model = build(true)(context(1));
  expect(Object.keys(model.parameters)).toEqual(['answer/kernel', 'answer/bias']);
  const kernel = tf.tensor2d(valuesOf(model, 'answer/kernel') as number[], [3, 2]);
  const parameters = new Map<string, tf.Tensor>([
    ['answer/kernel', kernel],
    ['answer/bias', tf.zeros([2])],
  ]);
  const x = tf.tensor2d([1, 2, 3, 4, -1, 0, 1, 0], [2, 4]);
  const frozen = tf.tensor2d(valuesOf(build()(context(1)), 'dense_1/kernel') as number[], [4, 3]);
  const expected = [...x.matMul(frozen).matMul(kernel).dataSync()];
  const actual = [...model.predict(parameters, { x }, {}).dataSync()];
  actual.forEach((value, at) => {
    expect(value).toBeCloseTo(expected[at]!, 5);
  });
});

describe('a model that drops', () => {
  const model = fromLayers(() =>
    tf.sequential({
      layers: [
        tf.layers.dropout({ rate: 0.5, inputShape: [4] }),
        tf.layers.dense({ units: 2, name: 'answer' }),
        tf.layers.gaussianNoise({ stddev: 0.1 }),
        tf.layers.dropout({ rate: 0 }),
      ],
    }),
  )(context(1));
  const x = tf.tensor2d([1, 2, 3, 4, -1, 0, 1, 0], [2, 4]);
  const kernel = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]);
  const parameters = new Map<string, tf.Tensor>([
    ['answer/kernel', kernel],
    ['answer/bias', tf.zeros([2])],
  ]);
  const mask = tf.tensor2d([2, 0, 2, 0, 0, 2, 2, 2], [2, 4]);
  const added = tf.tensor2d([1, 2, 3, 4], [2, 2]);

  it('says what it draws, without layers that are switched off', () => {
    expect(model.noise).toEqual({
      layer0: { kind: 'dropout', rate: 0.5, shape: [4] },
      layer1: { kind: 'normal', mean: 0, stddev: 0.1, shape: [2] },
    });
  });

  it('computes and differentiates with what it is given, and without it as if the layers were not there', () => {
    const expected = x.mul(mask).matMul(kernel).add(added).dataSync();
    expect(model.predict(parameters, { x }, { layer0: mask, layer1: added }).dataSync()).toEqual(expected);
    expect(model.predict(parameters, { x }, {}).dataSync()).toEqual(x.matMul(kernel).dataSync());
    // The slope of sum(y) by the kernel is the sum of what was kept, scaled.
    const sum = (weights: tf.Tensor): tf.Scalar =>
      model.predict(new Map([...parameters, ['answer/kernel', weights]]), { x }, { layer0: mask, layer1: added }).sum();
    expect([...tf.grad(sum)(kernel).dataSync()]).toEqual([2, 2, 0, 0, 8, 8, 0, 0]);
  });
});
