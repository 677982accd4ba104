import type { SampleBatch } from '@facet/shared';
import type { BatchIdentity, BatchTensors, Task } from '@facet/task';
import { describe, expect, it } from 'vitest';
import { PROBE_SHAPE, SMALL_TASK } from '../../../multiview/test/probe-shape.js';
import { allocateMicroBatch } from '@facet/multiview';
import { fillTensors } from '@facet/task';

const identity: BatchIdentity = { seed: 1, epoch: 2, step: 3, index: 4, isTraining: true };

interface Tensors extends BatchTensors {
  readonly values: Float32Array;
}

/** A task that copies its field, and says what it was given. */
function copyingTask(asked: unknown[]): Task<Tensors> {
  const notCalled = (): never => {
    throw new Error('filling calls no function of the loss');
  };
  return {
    ...{ name: 'copying', microBatch: 4, parameters: [], inputs: [{ name: 'values', shape: [4] }], metrics: [] },
    ...{ answer: { kind: 'losses' }, predictInputs: [], loss: notCalled, predict: notCalled },
    reference: { module: import.meta.url, argument: null },
    prepare({ ids, fields }, tensors, of) {
      asked.push([[...ids], of]);
      tensors.values.fill(0).set(fields['value']!);
      // Not the task's to write.
      tensors.sampleWeights.fill(9);
    },
  };
}

const batchOf = (...values: number[]): SampleBatch => ({
  ids: Uint32Array.from(values, (value) => 10 * value),
  fields: { value: Float32Array.from(values) },
});

describe('filled tensors', () => {
  it('hold what the task makes of the samples, which is told who they are', () => {
    const asked: unknown[] = [];
    const tensors = { values: new Float32Array(4), sampleWeights: new Float32Array(4) };
    fillTensors(copyingTask(asked), tensors, batchOf(1, 2), identity);
    expect([...tensors.values]).toEqual([1, 2, 0, 0]);
    expect(asked).toEqual([[[10, 20], identity]]);
  });

  it('weigh samples 1 and padding 0, whatever was there and whatever the task wrote', () => {
    const tensors = { values: new Float32Array(4), sampleWeights: new Float32Array(4).fill(7) };
    const task = copyingTask([]);
    const found = [batchOf(1, 2, 3, 4), batchOf(1), batchOf(1, 2, 3)].map((samples) => {
      fillTensors(task, tensors, samples, identity);
      return [...tensors.sampleWeights];
    });
    expect(found).toEqual([
      [1, 1, 1, 1],
      [1, 0, 0, 0],
      [1, 1, 1, 0],
    ]);
  });

  it('of images are padded with black of weight 0 and of no class', () => {
    const { image, classes, microBatch } = PROBE_SHAPE;
    const tensors = allocateMicroBatch(microBatch, image, classes);
    tensors.images.fill(9);
    tensors.targets.fill(9);
    tensors.sampleWeights.fill(9);
    const pixels = image.height * image.width;
    const fields = { label: Uint8Array.of(3, 1), image: new Uint8Array(2 * pixels).fill(51) };
    fillTensors(SMALL_TASK, tensors, { ids: Uint32Array.of(5, 6), fields }, { ...identity, isTraining: false });
    expect([...tensors.sampleWeights]).toEqual([1, 1, 0, 0, 0, 0]);
    expect(tensors.images.subarray(0, 2 * pixels).every((pixel) => pixel === Math.fround(0.2))).toBe(true);
    expect(tensors.images.subarray(2 * pixels).every((pixel) => pixel === 0)).toBe(true);
    expect([...tensors.targets.keys()].filter((at) => tensors.targets[at] !== 0)).toEqual([3, classes + 1]);
  });
});
