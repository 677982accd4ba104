/**
 * Whether training on attacked samples does what it is for, on a task where a weak hint in every pixel is always right and
 * a strong one in a corner nearly always: an attack can turn the first around, and not the second.
 */
import { afterAll, expect, it } from 'vitest';
import { randomKey, randomStream } from '@facet/shared';
import type { MicroBatchTensors } from '../data/micro-batch.js';
import { createCompute } from '@facet/engine/internal';
import type { Compute, TrainingSlot } from '@facet/engine';
import { PROBE_SHAPE } from '../../test/probe-shape.js';
import { multiViewTask } from '../task/multi-view-task.js';
import { initialWeights } from '@facet/task';

const { height, width } = PROBE_SHAPE.image;
const PIXELS = height * width;
const BATCH = 24;
const STEPS = 150;
const RATE = 0.1;
const EPS = 0.1;

const TASK = multiViewTask({
  ...PROBE_SHAPE,
  microBatch: BATCH,
  adversarial: { norm: 'linf', eps: EPS, steps: 4, stepSize: 0, share: 1 },
});
type Slot = TrainingSlot<MicroBatchTensors>;

const opened: Compute<MicroBatchTensors>[] = [];
afterAll(async () => {
  for (const compute of opened) await compute.close();
});

/** Fills a slot with the samples from `first` on; class 0 and 1 in turn. */
function fill({ tensors }: Slot, first: number): Uint32Array {
  const ids = Uint32Array.from({ length: BATCH }, (_, row) => first + row);
  tensors.targets.fill(0);
  tensors.sampleWeights.fill(1);
  ids.forEach((id, row) => {
    const stream = randomStream(randomKey('initialisation', 31, id));
    const sign = id % 2 === 0 ? 1 : -1;
    const corner = stream.nextUniform() < 0.95 ? sign : -sign;
    tensors.targets[row * PROBE_SHAPE.classes + (id % 2)] = 1;
    for (let at = 0; at < PIXELS; at++) {
      const isCorner = at % width < 6 && at < 6 * width;
      const weak = 0.05 * (at % 2 === 0 ? sign : -sign);
      tensors.images[row * PIXELS + at] = 0.5 + (isCorner ? 0.3 * corner : weak) + 0.1 * (stream.nextUniform() - 0.5);
    }
  });
  return ids;
}

async function attack({ tensors, inputGradient }: Slot, ids: Uint32Array, epoch: number): Promise<void> {
  const { signal } = new AbortController();
  await TASK.adversary!.attack(tensors, inputGradient!, { ids, seed: 1, epoch, signal });
}

async function train(isAttacked: boolean): Promise<Compute<MicroBatchTensors>> {
  const compute = await createCompute({ task: TASK, engine: { name: 'onnxruntime', device: 'cpu' }, threads: 1 });
  opened.push(compute);
  compute.weights.set(initialWeights(compute.layout, 1));
  const [slot] = compute.trainingSlots;
  for (let step = 0; step < STEPS; step++) {
    const ids = fill(slot, step * BATCH);
    if (isAttacked) await attack(slot, ids, 0);
    await slot.run();
    for (let i = 0; i < compute.weights.length; i++) compute.weights[i]! -= (RATE * slot.sum.gradient[i]!) / BATCH;
    compute.weightsChanged();
  }
  return compute;
}

/** Accuracy on ten micro-batches that were not trained on, attacked or not. */
async function accuracy({ trainingSlots: [slot] }: Compute<MicroBatchTensors>, isAttacked: boolean): Promise<number> {
  let correct = 0;
  for (let part = 0; part < 10; part++) {
    const ids = fill(slot, 1_000_000 + part * BATCH);
    if (isAttacked) await attack(slot, ids, 1);
    await slot.run();
    correct += slot.sum.accounting().metrics['correct']!;
  }
  return correct / (10 * BATCH);
}

it(
  'a model that was trained on attacked samples holds where one that was not falls',
  { timeout: 120_000 },
  async () => {
    const [plain, attacked] = [await train(false), await train(true)];
    const found = {
      plain: { clean: await accuracy(plain, false), attacked: await accuracy(plain, true) },
      attacked: { clean: await accuracy(attacked, false), attacked: await accuracy(attacked, true) },
    };
    expect(found.plain.clean).toBeGreaterThan(0.9);
    expect(found.attacked.clean).toBeGreaterThan(0.9);
    expect(found.attacked.attacked, JSON.stringify(found)).toBeGreaterThan(found.plain.attacked + 0.2);
  },
);
