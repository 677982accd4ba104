/** Models of the examples, with weights as a run starts with them: what they answer is what TensorFlow.js computes. */
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';
import { randomKey, randomStream } from '@facet/shared';
import type { Tensors } from '@facet/task';
import { SHAPES, THROWS, untrained } from '../../test/untrained-model.js';
import { openTask } from '../tasks/open-task.js';
import { answersBySample } from './answers.js';
import { openModel, type LoadedModel, type StoredModel } from './loaded-model.js';

/** What the task's own `predict` gives, run by TensorFlow.js for one batch. */
async function eagerly(
  model: StoredModel,
  inputs: Readonly<Record<string, tf.Tensor>>,
  rows: number,
): Promise<number[]> {
  const { config, samples, weights, layout } = model;
  await tf.setBackend('cpu');
  const task = await openTask({ ...config, batch: { global: rows, micro: rows } }, samples);
  const parameters: Tensors = new Map(
    layout.map(({ name, shape, offset, length }) => [
      name,
      tf.tensor(weights.slice(offset, offset + length), [...shape]),
    ]),
  );
  return [...(await task.predict(parameters, new Map(Object.entries(inputs))).data())];
}

const random = (length: number, most: number): number[] => {
  const stream = randomStream(randomKey('initialisation', length));
  return Array.from({ length }, () => stream.nextUniform() * most);
};

describe('a stored model', () => {
  let model: LoadedModel | undefined;
  afterEach(() => model?.close());

  // More samples than a micro-batch, and no multiple of it.
  const COUNT = 6;

  it('answers images with probabilities of its classes', async () => {
    const stored = await untrained('layers-cnn', SHAPES);
    const bytes = Uint8Array.from(random(COUNT * 32 * 32 * 3, 256));
    model = await openModel(stored, { threads: 1 });
    expect(model).toMatchObject({ task: 'shapes', classes: SHAPES.classes, isClassifier: true });
    expect(Object.keys(model.fields), 'the label is not read').toEqual(['image']);
    const answers = await model.predict({ image: bytes }, COUNT);
    const image = tf.tensor4d(
      Float32Array.from(bytes, (byte) => byte / 255),
      [COUNT, 32, 32, 3],
    );
    const expected = await eagerly(stored, { image }, COUNT);
    expect(answers.shapes).toEqual({ logits: [4], probabilities: [4] });
    expect(answers.outputs['logits']).toHaveLength(COUNT * 4);
    answers.outputs['logits']!.forEach((logit, at) => expect(logit).toBeCloseTo(expected[at]!, 5));
    const [first] = answersBySample(model, answers, COUNT);
    const exponents = expected.slice(0, 4).map(Math.exp);
    const sum = exponents.reduce((all, one) => all + one);
    for (const { class: index, probability } of first!.guesses!) {
      expect(probability).toBeCloseTo(exponents[index]! / sum, 5);
    }
    const ranked = first!.guesses!.map(({ probability }) => probability);
    expect(ranked).toEqual([...ranked].sort((a, b) => b - a));
  });

  it('answers rows of a table with numbers, in any batch', async () => {
    const stored = await untrained('regression', THROWS);
    const features = Float32Array.from(random(COUNT * 4, 10));
    const expected = await eagerly(stored, { features: tf.tensor2d(features, [COUNT, 4]) }, COUNT);
    for (const batch of [undefined, 1]) {
      model = await openModel(stored, { threads: 1, batch });
      expect(model.fields).toEqual({ features: THROWS.fields['features'] });
      const answers = answersBySample(model, await model.predict({ features }, COUNT), COUNT);
      answers.forEach(({ values, guesses }, at) => {
        expect(guesses).toBeUndefined();
        expect(values[0]).toBeCloseTo(expected[at]!, 4);
      });
      await model.close();
      model = undefined;
    }
  });

  it('refuses weights of another model, and samples that are not as they should be', async () => {
    const stored = await untrained('regression', THROWS);
    const layout = stored.layout.map((slot) => (slot.name === 'output.b' ? { ...slot, name: 'other' } : slot));
    await expect(openModel({ ...stored, layout }, { threads: 1 })).rejects.toMatchObject({
      code: 'CHECKPOINT_INCOMPATIBLE',
      message: expect.stringContaining('is other [1], the model of this version has output.b [1]'),
    });
    model = await openModel(stored, { threads: 1 });
    await expect(model.predict({ features: new Float32Array(7) }, 2)).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: 'the field features of 2 samples has 7 values, expected 8: float32 [4] a sample',
    });
    await expect(model.predict({}, 1)).rejects.toThrow('has no values, expected 4');
  });
});
