/** The adversary on a real engine with a small model, and on slots whose gradient the test writes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PUBLISHED_ADVERSARIES, type AdversarialConfig } from '../config/adversarial-schema.js';
import { fillProbeBatch } from '../../../engine/test/probe-batch.js';
import type { MicroBatchTensors } from '../data/micro-batch.js';
import { createCompute } from '@facet/engine/internal';
import type { Compute, TrainingSlot } from '@facet/engine';
import { initialWeights, type Adversary, type AttackedBatch, type InputGradient } from '@facet/task';
import { PROBE_SHAPE, SMALL_TASK } from '../../test/probe-shape.js';
import { multiViewTask } from '../task/multi-view-task.js';
import { createModel } from '../model/multi-view-transformer.js';
import { distanceOf } from './threat.js';
import { rowOf } from './standing.js';
import { createAdversary } from './adversary.js';

const CPU = { name: 'onnxruntime', device: 'cpu' } as const;
const PIXELS = PROBE_SHAPE.image.height * PROBE_SHAPE.image.width;
const ROUNDING = 1e-6;
const ids = Uint32Array.of(3, 14, 15, 92, 65);

const RECIPE: AdversarialConfig = { ...PUBLISHED_ADVERSARIES.mnist, eps: 0.1, stepSize: 0, steps: 3 };
const ATTACKED_TASK = multiViewTask({ ...PROBE_SHAPE, adversarial: RECIPE });

type ImageAdversary = Adversary<MicroBatchTensors>;
type Slot = TrainingSlot<MicroBatchTensors>;

const adversaryOf = (more: Partial<AdversarialConfig> = {}): ImageAdversary =>
  createAdversary(createModel(PROBE_SHAPE), { ...RECIPE, ...more })!;
const microBatch = (more: Partial<AttackedBatch> = {}): AttackedBatch => ({
  ids,
  seed: 1,
  epoch: 0,
  signal: new AbortController().signal,
  ...more,
});

describe('on an engine', () => {
  let compute: Compute<MicroBatchTensors>;
  beforeAll(async () => {
    compute = await createCompute({ task: ATTACKED_TASK, engine: CPU, threads: 1 });
    compute.weights.set(initialWeights(compute.layout, 3).map((weight, i) => weight + 0.05 * Math.sin(i)));
  });
  afterAll(() => compute.close());

  const attack = (slot: Slot, adversary: ImageAdversary, seed = 1): Promise<number> =>
    adversary.attack(slot.tensors, slot.inputGradient!, microBatch({ seed }));
  const lossOf = async (slot: Slot): Promise<number> => {
    await slot.run();
    return slot.sum.accounting().loss;
  };
  const attacked = async (slot: Slot, seed = 1): Promise<Float32Array> => {
    fillProbeBatch(slot.tensors, 11);
    await attack(slot, adversaryOf(), seed);
    await slot.run();
    return Float32Array.of(...slot.tensors.images, ...slot.sum.whole);
  };

  it.each(['linf', 'l2'] as const)(
    'samples read worse, stay in the %s ball and in the box; padding stays',
    async (norm) => {
      const [slot] = compute.trainingSlots;
      const eps = norm === 'linf' ? 0.1 : 1;
      fillProbeBatch(slot.tensors, 11);
      const clean = slot.tensors.images.slice();
      const before = await lossOf(slot);
      expect(await attack(slot, adversaryOf({ norm, eps }))).toBe(3 * ids.length);
      const { images } = slot.tensors;
      expect(images.every((pixel) => pixel >= 0 && pixel <= 1)).toBe(true);
      for (const row of ids.keys()) {
        const distance = distanceOf(rowOf(images, row, PIXELS), rowOf(clean, row, PIXELS), norm);
        expect(distance).toBeGreaterThan(eps / 4);
        expect(distance).toBeLessThanOrEqual(eps + ROUNDING);
      }
      expect(rowOf(images, ids.length, PIXELS)).toEqual(rowOf(clean, ids.length, PIXELS));
      expect(await lossOf(slot)).toBeGreaterThan(before);
    },
  );

  it('the same micro-batch becomes the same bits in any slot, a second time, and with other threads', async () => {
    const [first, second] = compute.trainingSlots;
    const expected = await attacked(first);
    expect(await attacked(second)).toEqual(expected);
    expect(await attacked(first)).toEqual(expected);
    expect(await attacked(first, 2)).not.toEqual(expected);
    const other = await createCompute({ task: ATTACKED_TASK, engine: CPU, threads: 2 });
    other.weights.set(compute.weights);
    expect(await attacked(other.trainingSlots[0])).toEqual(expected);
    await other.close();
  });

  it('mixed targets are attacked as they are', async () => {
    const [slot] = compute.trainingSlots;
    const mix = (): void => {
      fillProbeBatch(slot.tensors, 11);
      const { targets } = slot.tensors;
      targets.forEach((target, i) => (targets[i] = 0.6 * target + (i % PROBE_SHAPE.classes === 4 ? 0.4 : 0)));
    };
    mix();
    const before = await lossOf(slot);
    const targets = slot.tensors.targets.slice();
    await attack(slot, adversaryOf());
    expect(slot.tensors.targets).toEqual(targets);
    const after = await lossOf(slot);
    expect(after).toBeGreaterThan(before);
    const moved = slot.tensors.images.slice();
    expect(await attacked(slot).then((all) => all.subarray(0, moved.length))).not.toEqual(moved);
  });

  it('is a part of what workers must agree on, and is not there when it is off', async () => {
    const plain = await createCompute({ task: SMALL_TASK, engine: CPU, threads: 1 });
    plain.weights.set(compute.weights);
    expect(plain.programSha256).not.toBe(compute.programSha256);
    const results = [plain, compute].map(async ({ trainingSlots: [slot] }) => {
      fillProbeBatch(slot.tensors, 11);
      await slot.run();
      return slot.sum.whole.slice();
    });
    expect(await results[0]).toEqual(await results[1]);
    expect(plain.trainingSlots.map(({ inputGradient }) => inputGradient)).toEqual([undefined, undefined]);
    await plain.close();
  });

  it('an engine without the attack program is refused', async () => {
    const engine = { name: 'tfjs-cpu', device: 'cpu' } as const;
    await expect(createCompute({ task: ATTACKED_TASK, engine, threads: 1 })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: 'tfjs-cpu/cpu cannot attack yet; use onnxruntime',
    });
  });
});

describe('without an engine', () => {
  const COUNT = 400;
  const many = Uint32Array.from({ length: COUNT }, (_, i) => 7 * i);

  /** One pixel a sample; its gradient is 1, so an attacked one ends at the upper edge of the ball. */
  function batchOf(run: () => void = () => undefined): {
    readonly tensors: MicroBatchTensors;
    readonly gradient: InputGradient;
  } {
    const tensors = {
      images: new Float32Array(COUNT).fill(0.5),
      targets: new Float32Array(COUNT),
      sampleWeights: new Float32Array(COUNT).fill(1),
    };
    const gradient = {
      values: new Float32Array(COUNT).fill(1),
      run() {
        run();
        return Promise.resolve();
      },
    };
    return { tensors, gradient };
  }
  const attackedRows = async (share: number, epoch: number): Promise<number[]> => {
    const { tensors, gradient } = batchOf();
    const gradients = await adversaryOf({ share }).attack(tensors, gradient, microBatch({ ids: many, epoch }));
    const rows = [...tensors.images.keys()].filter((row) => tensors.images[row] !== 0.5);
    expect(gradients).toBe(3 * rows.length);
    return rows;
  };

  it('a share of the samples is attacked: the same in every attempt, others in another epoch', async () => {
    const rows = await attackedRows(0.25, 0);
    // 100 expected, standard deviation 8.7.
    expect(Math.abs(rows.length - 100)).toBeLessThan(35);
    expect(await attackedRows(0.25, 0)).toEqual(rows);
    expect(await attackedRows(0.25, 1)).not.toEqual(rows);
    expect((await attackedRows(1, 0)).length).toBe(COUNT);
  });

  it('who is attacked depends on the sample, not on its place', async () => {
    const { tensors, gradient } = batchOf();
    const turned = Uint32Array.from(many).reverse();
    await adversaryOf({ share: 0.25 }).attack(tensors, gradient, microBatch({ ids: turned }));
    const rows = [...tensors.images.keys()].filter((row) => tensors.images[row] !== 0.5);
    expect(rows.map((row) => COUNT - 1 - row).reverse()).toEqual(await attackedRows(0.25, 0));
  });

  it('a step of no stated length is 2.5 eps / steps', async () => {
    const seen: number[] = [];
    const { tensors, gradient } = batchOf(() => seen.push(tensors.images[0]!));
    await adversaryOf({ eps: 0.4, steps: 10 }).attack(tensors, gradient, microBatch({ ids: many }));
    expect(seen[1]! - seen[0]!).toBeCloseTo(0.1, 6);
    expect(tensors.images[0]).toBeCloseTo(0.9, 6);
  });

  it('an abort ends the attack after the gradient at work', async () => {
    const controller = new AbortController();
    let runs = 0;
    const { tensors, gradient } = batchOf(() => {
      runs++;
      controller.abort();
    });
    await adversaryOf().attack(tensors, gradient, microBatch({ ids: many, signal: controller.signal }));
    expect(runs).toBe(1);
  });

  it('there is no adversary when eps is 0', () => {
    expect(createAdversary(createModel(PROBE_SHAPE), { ...RECIPE, eps: 0 })).toBeUndefined();
    expect(multiViewTask({ ...PROBE_SHAPE, adversarial: { ...RECIPE, eps: 0 } }).adversary).toBeUndefined();
  });
});
