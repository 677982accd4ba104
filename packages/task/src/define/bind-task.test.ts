/** A user's definition as the system's task: tensors, figures, names, and what is refused. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SampleBatch, SampleFields } from '@facet/shared';
import type { BatchTensors, Task } from '../task.js';
import { bindTask, type TaskBinding } from './bind-task.js';
import { defineTask, type TaskDefinition } from './define-task.js';
import { weights, zeros } from './parameter-starts.js';

beforeAll(() => tf.setBackend('cpu'));

const FIELDS: SampleFields = {
  image: { type: 'uint8', shape: [2, 1, 1] },
  depth: { type: 'float32', shape: [] },
  label: { type: 'uint8', shape: [] },
};
const CLASSES = ['a', 'b', 'c'];

const BINDING: TaskBinding = {
  ...{ fields: FIELDS, classes: CLASSES, microBatch: 4, seed: 7, labelSmoothing: 0, options: {} },
  reference: { module: 'file:///task.js', argument: {} },
};

const model: TaskDefinition['model'] = ({ classes }) => ({
  parameters: { kernel: weights([2, classes.length]) },
  predict: (parameters, { image }) => tf.matMul(image!.reshape([-1, 2]), parameters.get('kernel') as tf.Tensor2D),
});

const bound = (change: Partial<TaskDefinition> = {}, binding: Partial<TaskBinding> = {}): Promise<Task> =>
  bindTask(defineTask({ name: 'mine', model, ...change }), { ...BINDING, ...binding });

/** Buffers as a run has them, with what an earlier micro-batch left. */
const tensorsOf = (rows: number): BatchTensors & Record<string, Float32Array> => ({
  image: new Float32Array(2 * rows).fill(9),
  depth: new Float32Array(rows).fill(9),
  label: new Float32Array(rows).fill(9),
  sampleWeights: new Float32Array(rows),
});

const SAMPLES: SampleBatch = {
  ids: Uint32Array.of(5, 8),
  fields: { image: Uint8Array.of(0, 255, 51, 102), depth: Float32Array.of(0.5, -2), label: Uint8Array.of(2, 0) },
};
const identity = (isTraining: boolean, epoch = 0) => ({ seed: 7, epoch, step: 1, index: 0, isTraining });

describe('the tensors of a micro-batch', () => {
  it('hold images in 0 to 1 and other numbers as they are; rows beyond the samples are copies of the first', async () => {
    const task = await bound();
    expect(task.inputs).toEqual([
      { name: 'image', shape: [4, 2, 1, 1] },
      { name: 'depth', shape: [4] },
      { name: 'label', shape: [4] },
    ]);
    const tensors = tensorsOf(4);
    task.prepare(SAMPLES, tensors, identity(false));
    expect([...tensors['image']!].map((value) => Number(value.toFixed(6)))).toEqual([0, 1, 0.2, 0.4, 0, 1, 0, 1]);
    expect([...tensors['depth']!]).toEqual([0.5, -2, 0.5, 0.5]);
    expect([...tensors['label']!]).toEqual([2, 0, 2, 2]);
  });

  it('are augmented in training alone, by seed, epoch and sample, and not by the place in the batch', async () => {
    const task = await bound({
      augment: ({ depth }, random) => {
        depth![0] = random.nextUniform();
      },
    });
    const depths = (samples: SampleBatch, isTraining: boolean, epoch = 0): number[] => {
      const tensors = tensorsOf(4);
      task.prepare(samples, tensors, identity(isTraining, epoch));
      return [...tensors['depth']!.subarray(0, samples.ids.length)];
    };
    const alone = {
      ids: Uint32Array.of(8),
      fields: { image: Uint8Array.of(1, 2), depth: Float32Array.of(0), label: Uint8Array.of(1) },
    };
    const [first, second] = depths(SAMPLES, true);
    expect(depths(SAMPLES, false)).toEqual([0.5, -2]);
    expect(first).not.toBe(second);
    expect(depths(alone, true)).toEqual([second]);
    expect(depths(SAMPLES, true, 1)).not.toContain(first);
  });

  it('refuse a label of no class, and name the sample', async () => {
    const task = await bound();
    const wrong = { ...SAMPLES, fields: { ...SAMPLES.fields, label: Uint8Array.of(2, 3) } };
    expect(() => {
      task.prepare(wrong, tensorsOf(4), identity(true));
    }).toThrow('the task mine: sample 8 has label 3, expected 0 to 2, because there are 3 classes');
  });
});

describe('loss and figures', () => {
  const inputs = (): ReadonlyMap<string, tf.Tensor> =>
    new Map<string, tf.Tensor>([
      ['image', tf.tensor([1, 0, 0, 1, 1, 1, 0, 0], [4, 2, 1, 1])],
      ['depth', tf.tensor([1, 2, 3, 4])],
      ['label', tf.tensor([0, 1, 2, 0])],
    ]);
  const parameters = (): ReadonlyMap<string, tf.Tensor> => new Map([['kernel', tf.tensor([3, 0, 0, 0, 3, 0], [2, 3])]]);

  it('are cross-entropy and the count of right answers where samples have classes', async () => {
    const task = await bound();
    expect(task).toMatchObject({ name: 'mine', metrics: ['correct'], predictInputs: ['image', 'depth'] });
    const { losses, metrics } = task.loss(parameters(), inputs());
    // Logits [3, 0, 0], [0, 3, 0], [3, 3, 0] and [0, 0, 0], by hand: log(sum(exp)) less that of the label.
    const expected = [
      Math.log(Math.exp(3) + 2) - 3,
      Math.log(Math.exp(3) + 2) - 3,
      Math.log(2 * Math.exp(3) + 1),
      Math.log(3),
    ];
    Array.from(losses.dataSync()).forEach((loss, row) => {
      expect(loss).toBeCloseTo(expected[row]!, 5);
    });
    expect([...metrics['correct']!.dataSync()].slice(0, 3)).toEqual([1, 1, 0]);
  });

  it('are squared errors where they have none, and the figures of the task beside them', async () => {
    const definition: Partial<TaskDefinition> = {
      target: 'depth',
      model: () => ({
        parameters: { kernel: weights([2, 1]) },
        predict: (all, { image }) => image!.reshape([-1, 2]).matMul(all.get('kernel')!),
      }),
      metrics: { off: (prediction, { depth }) => prediction.reshape([-1]).sub(depth!).abs() },
    };
    const { label: _, ...fields } = FIELDS;
    const task = await bound(definition, { classes: [], fields });
    expect(task.metrics).toEqual(['off']);
    expect(task.predictInputs).toEqual(['image', 'depth']);
    const { losses, metrics } = task.loss(new Map([['kernel', tf.tensor([2, 5], [2, 1])]]), inputs());
    expect([...losses.dataSync()]).toEqual([1, 9, 16, 16]);
    expect([...metrics['off']!.dataSync()]).toEqual([1, 3, 4, 4]);
  });

  it('leave no tensor behind but what they return', async () => {
    const task = await bound();
    const [named, tensors] = [parameters(), inputs()];
    const before = tf.memory().numTensors;
    const { losses, metrics } = task.loss(named, tensors);
    tf.dispose([losses, metrics]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('options', () => {
  it('are given to the model as the schema reads them', async () => {
    let given: unknown;
    const definition: Partial<TaskDefinition> = {
      options: { parse: (value) => ({ width: 3, ...(value as object) }) },
      model: (context) => {
        given = context.options;
        return model(context);
      },
    };
    await bound(definition, { options: { depth: 2 } });
    expect(given).toEqual({ width: 3, depth: 2 });
  });

  it.each([
    ['to a task that takes none', {}, 'task.options: depth: the task takes no options'],
    [
      'that the schema refuses, each with its place',
      {
        options: {
          parse: () => {
            throw Object.assign(new Error(), { issues: [{ path: ['depth'], message: 'expected a number' }] });
          },
        },
      },
      'task.options: depth: expected a number',
    ],
  ])('are refused %s', async (_, definition, message) => {
    await expect(bound(definition, { options: { depth: 'x' } })).rejects.toMatchObject({
      code: 'TASK_INVALID',
      message: expect.stringContaining(message) as string,
    });
  });
});

describe('a definition is refused', () => {
  const withParameters = (parameters: Readonly<Record<string, unknown>>): Partial<TaskDefinition> => ({
    model: (context) => ({ ...model(context), parameters: parameters as never }),
  });

  it.each<[string, Partial<TaskDefinition>, string, Partial<TaskBinding>?]>([
    ['without parameters', withParameters({}), 'model returns no parameters; see defineTask'],
    ['without a model', { model: () => undefined as never }, 'model returns no { parameters, predict }'],
    [
      'whose model throws',
      {
        model: () => {
          throw new RangeError('too deep');
        },
      },
      'model threw RangeError: too deep',
    ],

    [
      'with a parameter named like a field',
      withParameters({ image: zeros([2]) }),
      'the parameter image is named like a field of the samples; rename it',
    ],
    [
      'with a shape of no whole numbers',
      withParameters({ kernel: zeros([2, 0.5]) }),
      'the parameter kernel has shape [2,0.5], expected whole numbers from 1',
    ],
    [
      'with too few numbers to start from',
      withParameters({
        kernel: { shape: [2, 3], initialiser: { kind: 'given', values: Float32Array.of(1) }, decays: false },
      }),
      'the parameter kernel starts as 1 numbers, expected 6',
    ],
    [
      'with a metric that the system counts',
      { metrics: { correct: (prediction) => prediction } },
      'a metric is named correct, which the system counts itself; rename it',
    ],
    [
      'for samples with a field that the system uses',
      {},
      'a field is named sampleWeights, which the system uses itself; rename it',
      { fields: { ...FIELDS, sampleWeights: { type: 'float32', shape: [] } } },
    ],
  ])('%s', async (_, definition, message, binding) => {
    await expect(bound(definition, binding)).rejects.toMatchObject({
      code: 'TASK_INVALID',
      message: expect.stringContaining(`the task mine is wrong: ${message}`) as string,
    });
  });

  it('and the backend is what it was', async () => {
    const before = tf.getBackend();
    await bound(withParameters({})).catch(() => undefined);
    expect(tf.getBackend()).toBe(before);
    expect(tf.env().getBool('PROD')).toBe(false);
  });
});
