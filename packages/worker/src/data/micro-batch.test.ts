import { describe, expect, it } from 'vitest';
import { allocateMicroBatch, fillMicroBatch, type RawSamples } from './micro-batch.js';

const image = { height: 3, width: 3, channels: 2 };
const samples: RawSamples = {
  ids: Uint32Array.of(10, 11),
  labels: Uint8Array.of(1, 0),
  pixels: Uint8Array.from({ length: 36 }, (_, i) => i),
};
const options = { image, classes: 2, seed: 1, epoch: 0 };

describe('a micro-batch', () => {
  it('is planar, in [0, 1], one-hot, and padded with weight 0', () => {
    const batch = allocateMicroBatch(3, image, 2);
    batch.images.fill(9);
    batch.targets.fill(9);
    fillMicroBatch(batch, samples, options);
    // Interleaved bytes 0, 2, 4, ... are the first channel of the first image.
    expect([...batch.images.subarray(0, 9)]).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16].map((v) => Math.fround(v / 255)));
    expect([...batch.targets]).toEqual([0, 1, 1, 0, 0, 0]);
    expect([...batch.sampleWeights]).toEqual([1, 1, 0]);
    expect(batch.images.subarray(36).every((value) => value === 0)).toBe(true);
  });

  it('is augmented by the identity of the sample: neither its place nor its neighbours matter', () => {
    const augmentation = { shiftPixels: 1, flip: true };
    const [together, alone] = [allocateMicroBatch(2, image, 2), allocateMicroBatch(2, image, 2)];
    fillMicroBatch(together, samples, { ...options, augmentation });
    const second = { ids: samples.ids.slice(1), labels: samples.labels.slice(1), pixels: samples.pixels.slice(18) };
    fillMicroBatch(alone, second, { ...options, augmentation });
    expect(alone.images.subarray(0, 18)).toEqual(together.images.subarray(18));
  });

  it('shifts by every offset up to the limit, over the epochs, and never beyond', () => {
    const single = { height: 5, width: 5, channels: 1 };
    const batch = allocateMicroBatch(1, single, 2);
    const dot = new Uint8Array(25);
    dot[12] = 255;
    const places = new Set<number>();
    for (let epoch = 0; epoch < 200; epoch++) {
      const raw = { ids: Uint32Array.of(7), labels: Uint8Array.of(0), pixels: dot };
      fillMicroBatch(batch, raw, {
        image: single,
        classes: 2,
        seed: 1,
        epoch,
        augmentation: { shiftPixels: 1, flip: false },
      });
      places.add(batch.images.indexOf(1));
    }
    expect([...places].sort((a, b) => a - b)).toEqual([6, 7, 8, 11, 12, 13, 16, 17, 18]);
  });
});
