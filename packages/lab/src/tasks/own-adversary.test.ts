/** Adversarial training of a user's task: the gradient that its attack is given, and what of it is trained on. */
import { afterEach, describe, expect, it } from 'vitest';
import type * as tf from '@tensorflow/tfjs';
import { createCompute, type Compute } from '@facet/engine';
import { bindTask, defineTask, fillTensors, zeros, type AttackedSamples, type TaskDefinition } from '@facet/task';

const ROWS = 3;
const EPS = 0.25;
const W = [2, -1];
/** Two samples; the third row is padding. */
const X = [1, 2, -1, 0.5];
const Y = [1, -4];
const samples = { ids: Uint32Array.of(5, 9), fields: { x: Float32Array.from(X), label: Float32Array.from(Y) } };
const fields = { x: { shape: [2], type: 'float32' }, label: { shape: [], type: 'float32' } } as const;

/** y = w x, by least squares; one step along the sign of the gradient (Goodfellow et al. 2015). */
const definition = (changes: Partial<TaskDefinition> = {}): TaskDefinition =>
  defineTask({
    name: 'line',
    model: () => ({
      parameters: { w: zeros([2, 1]) },
      predict: (parameters, { x }) => x!.matMul(parameters.get('w')!).reshape([ROWS]),
    }),
    adversary: {
      field: 'x',
      async attack({ values, gradient }) {
        const slope = await gradient();
        for (let at = 0; at < values.length; at++) values[at]! += EPS * Math.sign(slope[at]!);
      },
    },
    ...changes,
  });

const bound = (own: TaskDefinition) =>
  bindTask(own, {
    ...{ fields, classes: [], microBatch: ROWS, seed: 3, labelSmoothing: 0, options: {} },
    reference: { module: import.meta.url, argument: null },
  });

describe('a task that attacks its samples', () => {
  let compute: Compute | undefined;
  afterEach(() => compute?.close());
  const signal = new AbortController().signal;
  const identity = { seed: 3, epoch: 1, step: 4, index: 0, isTraining: true };

  async function attacked(own: TaskDefinition): Promise<{ x: number[]; gradients: number; loss: number }> {
    const task = await bound(own);
    compute = await createCompute({ task, engine: { name: 'onnxruntime', device: 'cpu' }, threads: 1 });
    compute.weights.set(W);
    compute.weightsChanged();
    const [slot] = compute.trainingSlots;
    fillTensors(task, slot.tensors, samples, identity);
    const gradients = await task.adversary!.attack(slot.tensors, slot.inputGradient!, {
      ...{ ids: samples.ids, seed: 3, epoch: 1, signal },
    });
    await slot.run();
    const { x } = slot.tensors as unknown as { x: Float32Array };
    return { x: [...x.subarray(0, 4)], gradients, loss: slot.sum.accounting().loss };
  }

  const off = (x: readonly number[], row: number): number => W[0]! * x[2 * row]! + W[1]! * x[2 * row + 1]! - Y[row]!;

  it('moves them along the gradient of its loss, and trains on what it left', async () => {
    const { x, gradients, loss } = await attacked(definition());
    // d (w x - y)^2 / dx = 2 (w x - y) w
    const moved = X.map((value, at) => value + EPS * Math.sign(2 * off(X, Math.floor(at / 2)) * W[at % 2]!));
    expect(x).toEqual(moved);
    expect(gradients, 'one for each sample').toBe(2);
    expect(loss).toBeCloseTo(off(moved, 0) ** 2 + off(moved, 1) ** 2, 4);
    expect(loss).toBeGreaterThan(off(X, 0) ** 2 + off(X, 1) ** 2);
  });

  it('may climb another loss, as often as it likes', async () => {
    const adversary = {
      field: 'x',
      // The answer itself: its gradient is w.
      loss: (prediction: tf.Tensor) => prediction,
      async attack({ values, gradient }: AttackedSamples) {
        for (let step = 0; step < 3; step++) {
          const slope = await gradient();
          for (let at = 0; at < values.length; at++) values[at]! += slope[at]!;
        }
      },
    };
    const { x, gradients } = await attacked(definition({ adversary }));
    expect(x).toEqual(X.map((value, at) => value + 3 * W[at % 2]!));
    expect(gradients).toBe(6);
  });

  it('draws by the seed, the epoch and the sample, wherever that stands', async () => {
    const drawn = async (ids: readonly number[], epoch = 1): Promise<number[]> => {
      const found: number[] = [];
      const attack = ({ random }: AttackedSamples): void => {
        ids.forEach((_, row) => found.push(random(row).nextUniform()));
      };
      const task = await bound(definition({ adversary: { field: 'x', attack } }));
      const tensors = { x: new Float32Array(6), label: new Float32Array(3), sampleWeights: new Float32Array(3) };
      const gradient = { values: new Float32Array(6), run: () => Promise.resolve() };
      await task.adversary!.attack(tensors, gradient, { ids: Uint32Array.from(ids), seed: 3, epoch, signal });
      return found;
    };
    const [five, nine] = (await drawn([5, 9])) as [number, number];
    expect(await drawn([9, 5])).toEqual([nine, five]);
    expect(five).not.toBe(nine);
    expect(await drawn([5, 9], 2)).not.toEqual([five, nine]);
  });

  it.each([
    ['a field that is not there', { field: 'z' }, 'adversary.field is z, expected a field of the samples: x, label'],
    ['something else than a function', { attack: 3 }, 'adversary is a object, expected { field, attack }'],
  ])('is refused with %s', async (_, change, message) => {
    const own = { ...definition().adversary!, ...change } as NonNullable<TaskDefinition['adversary']>;
    await expect((async () => bound(definition({ adversary: own })))()).rejects.toThrow(message);
  });
});
