import { createHash } from 'node:crypto';
import { NO_AUGMENTATION, type AugmentationConfig } from '../config/augmentation-schema.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateMicroBatch, fillMicroBatch, type Augmentation, type RawSamples } from './micro-batch.js';

const image = { height: 3, width: 3, channels: 2 };
const samples: RawSamples = {
  ids: Uint32Array.of(10, 11),
  labels: Uint8Array.of(1, 0),
  pixels: Uint8Array.from({ length: 36 }, (_, i) => i),
};
const options = { image, classes: 2, seed: 1, epoch: 0 };
const augmentationOf = (recipe: Partial<AugmentationConfig>): Augmentation => ({
  recipe: { ...NO_AUGMENTATION, ...recipe },
  pixelMean: [0.25, 0.5, 0.75],
  step: 1,
  index: 0,
});

/** Everything that changes a sample by itself. */
const ALONE: Partial<AugmentationConfig> = {
  shiftPixels: 2,
  flip: true,
  padding: 'reflect',
  rotateDegrees: 15,
  scaleShare: 0.2,
  randAugment: { operations: 3, magnitude: 8 },
  cutoutPixels: 3,
};
const MIXED: Partial<AugmentationConfig> = { ...ALONE, mixup: { share: 0.4, alpha: 0.3 }, cutmix: { share: 0.6 } };

describe('a micro-batch', () => {
  it('is planar, in [0, 1], one-hot, and padded with nothing', () => {
    const batch = allocateMicroBatch(3, image, 2);
    batch.images.fill(9);
    batch.targets.fill(9);
    fillMicroBatch(batch, samples, options);
    // Interleaved bytes 0, 2, 4, ... are the first channel of the first image.
    expect([...batch.images.subarray(0, 9)]).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16].map((v) => Math.fround(v / 255)));
    expect([...batch.targets]).toEqual([0, 1, 1, 0, 0, 0]);
    expect(batch.images.subarray(36).every((value) => value === 0)).toBe(true);
  });

  it('is augmented by the identity of the sample: neither its place nor its neighbours matter', () => {
    const [together, alone] = [allocateMicroBatch(2, image, 2), allocateMicroBatch(2, image, 2)];
    const second = { ids: samples.ids.slice(1), labels: samples.labels.slice(1), pixels: samples.pixels.slice(18) };
    for (let epoch = 0; epoch < 30; epoch++) {
      const augmented = { ...options, epoch, augmentation: augmentationOf(ALONE) };
      fillMicroBatch(together, samples, augmented);
      fillMicroBatch(alone, second, augmented);
      expect(alone.images.subarray(0, 18)).toEqual(together.images.subarray(18));
    }
  });

  it('has the same bytes whoever fills it, whatever was filled before', () => {
    const colour = { height: 8, width: 8, channels: 3 };
    const batchOf = (seed: number): RawSamples => ({
      ids: Uint32Array.from({ length: 5 }, (_, i) => seed * 7 + i),
      labels: Uint8Array.from({ length: 5 }, (_, i) => (seed + i) % 10),
      pixels: Uint8Array.from({ length: 5 * 192 }, (_, i) => (i * (seed + 3)) % 256),
    });
    const fill = (tensors: ReturnType<typeof allocateMicroBatch>, index: number, epoch: number): string => {
      const augmentation = { ...augmentationOf(MIXED), index };
      fillMicroBatch(tensors, batchOf(index), { image: colour, classes: 10, seed: 3, epoch, augmentation });
      return hashOf(tensors);
    };
    const place = fc.tuple(fc.nat(20), fc.nat(5));
    fc.assert(
      fc.property(place, fc.array(place, { maxLength: 5 }), ([index, epoch], before) => {
        const used = allocateMicroBatch(8, colour, 10);
        for (const [otherIndex, otherEpoch] of before) fill(used, otherIndex, otherEpoch);
        expect(fill(used, index, epoch)).toBe(fill(allocateMicroBatch(8, colour, 10), index, epoch));
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    [{ shiftPixels: 1 }, '9d421f8b88b7654260ef0eea816c0465b34b0533ce0bbd3dc1ab812b2a9b14ab'],
    [{ shiftPixels: 4, flip: true }, '5c85f409ab3f062fffc3533fdc075b59fb89ca01a8b5f9899d155c798c62bdc0'],
  ])('keeps the bits that %j has always had', (recipe, sha256) => {
    // A change here changes the bits of every run that shifts or flips.
    const digits = { height: 28, width: 28, channels: 1 };
    const raw = {
      ids: Uint32Array.from({ length: 20 }, (_, i) => i * 37),
      labels: Uint8Array.from({ length: 20 }, (_, i) => i % 10),
      pixels: Uint8Array.from({ length: 20 * 784 }, (_, i) => (i * 31) % 256),
    };
    const batch = allocateMicroBatch(32, digits, 10);
    const augmentation = augmentationOf(recipe);
    fillMicroBatch(batch, raw, { image: digits, classes: 10, seed: 1, epoch: 2, augmentation });
    expect(hashOf(batch)).toBe(sha256);
  });

  it.each(['zero', 'reflect'] as const)('shifts by every offset up to the limit and never beyond (%s)', (padding) => {
    const single = { height: 5, width: 5, channels: 1 };
    const batch = allocateMicroBatch(1, single, 2);
    const dot = new Uint8Array(25);
    dot[12] = 255;
    const raw = { ids: Uint32Array.of(7), labels: Uint8Array.of(0), pixels: dot };
    const augmentation = augmentationOf({ shiftPixels: 1, padding });
    const found = new Set<number>();
    for (let epoch = 0; epoch < 200; epoch++) {
      fillMicroBatch(batch, raw, { image: single, classes: 2, seed: 1, epoch, augmentation });
      found.add(batch.images.indexOf(1));
    }
    expect([...found].sort((a, b) => a - b)).toEqual([6, 7, 8, 11, 12, 13, 16, 17, 18]);
  });
});

function hashOf({ images, targets }: ReturnType<typeof allocateMicroBatch>): string {
  return createHash('sha256').update(Buffer.from(images.buffer)).update(Buffer.from(targets.buffer)).digest('hex');
}
