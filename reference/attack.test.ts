/** Attacks on a tiny model against PyTorch: gradients by the pixels, FGSM, PGD in both balls, adversarial training. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageShape } from '@facet/shared';
import type { AdversarialConfig, ModelConfig } from '@facet/multiview/config';
import type { AttackLoss } from '../packages/multiview/src/model/attack-losses.js';
import { createAttackCompute, type AttackCompute } from '../packages/lab/src/robustness/attack-compute.js';

import { attackByGradient, type PgdOptions } from '../packages/multiview/src/attacks/pgd.js';
import type { Threat } from '../packages/multiview/src/attacks/threat.js';
import { createModel } from '../packages/multiview/src/model/multi-view-transformer.js';
import { createAdversary } from '../packages/multiview/src/attacks/adversary.js';
import { drawnPixels, drawnWeights } from './drawn-inputs.js';
import { expectClose, storedNumbers, storedTensors } from './stored-numbers.js';

const stored = storedNumbers<{
  number: number;
  image: ImageShape;
  classes: number;
  model: ModelConfig;
  ids: readonly number[];
  labels: readonly number[];
  gradients: readonly { name: AttackLoss; logits: readonly number[]; losses: readonly number[] }[];
  plans: readonly {
    name: string;
    plan: Threat & Omit<PgdOptions, 'threat' | 'seed' | 'onProgress'>;
    margins: readonly number[];
    broken: readonly boolean[];
  }[];
  recipes: readonly { name: string; recipe: AdversarialConfig; gradients: number }[];
}>('attack');
const tensors = storedTensors('attack');
/** Pixels are in [0, 1] and float32, and so is the engine. */
const ROUNDING = 2e-6;

const { number, image, classes, model } = stored;
const ids = Uint32Array.from(stored.ids);
const labels = Uint8Array.from(stored.labels);
const pixels = image.height * image.width;

const imagesOf = (): Float32Array => drawnPixels(ids.length * pixels, number);

let compute: AttackCompute;

beforeAll(async () => {
  compute = await createAttackCompute({
    // Two micro-batches, the last one padded.
    shape: { image, classes, config: model, microBatch: 4, labelSmoothing: 0.1 },
    engine: { name: 'onnxruntime', device: 'cpu' },
    threads: 1,
  });
  compute.weights.set(drawnWeights(compute.layout.slots, number));
});
afterAll(() => compute.close());

it.each(stored.gradients)('the $name has the gradient by the pixels that PyTorch has', async (of) => {
  const { logits, losses, gradient } = await compute.gradient(imagesOf(), labels, of.name);
  expectClose(logits, of.logits, 1e-5, 'logits');
  expectClose(losses, of.losses, 1e-5, 'losses');
  expectClose(gradient, tensors.get(of.name)!, 1e-5, 'gradient');
});

describe.each(stored.plans)('$name', ({ name, plan, margins, broken }) => {
  it('ends at the images of PyTorch', async () => {
    const { norm, eps, ...rest } = plan;
    const samples = { ids, labels, images: imagesOf() };
    const result = await attackByGradient(compute, samples, { threat: { norm, eps }, seed: 11, ...rest });
    expectClose(result.images, tensors.get(name)!, ROUNDING, 'images');
    expectClose(result.margins, margins, 1e-5, 'margins');
    expect([...result.isBroken].map(Boolean)).toEqual(broken);
  });
});

describe.each(stored.recipes)('training on attacked samples: $name', ({ name, recipe, gradients }) => {
  it('trains on the images of PyTorch', async () => {
    const images = imagesOf();
    const values = new Float32Array(images.length);
    const samples = { images, targets: new Float32Array(0), sampleWeights: new Float32Array(ids.length) };
    const gradient = {
      values,
      run: async () => values.set((await compute.gradient(images, labels, 'cross-entropy')).gradient),
    };
    const adversary = createAdversary(createModel({ image, classes, config: model }), recipe)!;
    const { signal } = new AbortController();
    const taken = await adversary.attack(samples, gradient, { ids, seed: 12, epoch: 4, signal });
    expect(taken).toBe(gradients);
    expectClose(images, tensors.get(name)!, ROUNDING, 'images');
  });
});
