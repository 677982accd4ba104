import { describe, expect, it } from 'vitest';
import { randomKey, randomStream } from '@facet/shared';
import { initialWeights } from '@facet/task';
import { createCompute } from './compute.js';
import { captureTrainingProgram } from './micro-batch-program.js';
import { PROBE_TASK } from './probe-task.js';

async function openCompute(threads: number) {
  const compute = await createCompute({ task: PROBE_TASK, engine: { name: 'onnxruntime', device: 'cpu' }, threads });
  compute.weights.set(initialWeights(compute.layout, 3));
  return { compute };
}

function fill(
  tensors: { images: Float32Array; targets: Float32Array; sampleWeights: Float32Array },
  padding = 0,
): void {
  const stream = randomStream(randomKey('initialisation', 11));
  tensors.images.forEach((_, i) => (tensors.images[i] = stream.nextUniform()));
  tensors.targets.fill(0);
  const rows = tensors.sampleWeights.length;
  for (let row = 0; row < rows; row++) tensors.targets[row * 10 + stream.nextBelow(10)] = 1;
  tensors.sampleWeights.fill(1).fill(0, rows - padding);
}

describe('the captured engine', () => {
  it('gives every parameter a gradient', async () => {
    const { compute } = await openCompute(1);
    const [slot] = compute.trainingSlots;
    fill(slot.tensors);
    await slot.run();
    for (const { name, offset, length } of compute.layout.slots) {
      const gradient = slot.sum.gradient.subarray(offset, offset + length);
      expect(
        gradient.some((value) => value !== 0),
        `${name} has a gradient`,
      ).toBe(true);
    }
    await compute.close();
  });

  it('computes the same bits with one and with two threads, run after run', async () => {
    const results: Float32Array[] = [];
    for (const threads of [1, 2, 2]) {
      const { compute } = await openCompute(threads);
      fill(compute.trainingSlots[0].tensors);
      await compute.trainingSlots[0].run();
      results.push(compute.trainingSlots[0].sum.whole.slice());
      await compute.close();
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it('gives padding no say: its pixels change neither loss nor gradient', async () => {
    const { compute } = await openCompute(1);
    const [first, second] = compute.trainingSlots;
    fill(first.tensors, 2);
    fill(second.tensors, 2);
    second.tensors.images.fill(0.5, Math.round((second.tensors.images.length * 4) / 6));
    await first.run();
    await second.run();
    expect(second.sum.whole).toEqual(first.sum.whole);
    await compute.close();
  });

  it('captures the same program every time', async () => {
    const [first, second] = [await captureTrainingProgram(PROBE_TASK), await captureTrainingProgram(PROBE_TASK)];
    expect(second).toEqual(first);
  });
});
