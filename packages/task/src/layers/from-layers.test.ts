/** Models of tf.layers: names and first weights are the same in every process, and follow the seed. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
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
  const actual = [...model.predict(parameters, { x }).dataSync()];
  actual.forEach((value, at) => {
    expect(value).toBeCloseTo(expected[at]!, 5);
  });
});
