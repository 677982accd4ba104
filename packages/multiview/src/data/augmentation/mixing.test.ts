import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxAround, cutOut } from './cutout.js';
import { mixMicroBatch, type MixingOptions } from './mixing.js';

const image = { height: 4, width: 5, channels: 2 };
const PIXELS = 40;
const CLASSES = 3;
const SIZE = 6;

/** Row i is the constant i + 1, of class i % 3; rows from `count` on are padding. */
function batchOf(count: number) {
  const images = new Float32Array(SIZE * PIXELS);
  const targets = new Float32Array(SIZE * CLASSES);
  for (let row = 0; row < count; row++) {
    images.fill(row + 1, row * PIXELS, (row + 1) * PIXELS);
    targets[row * CLASSES + (row % CLASSES)] = 1;
  }
  return { images, targets, ids: Uint32Array.from({ length: count }, (_, i) => 100 + i) };
}

const optionsOf = (mixup: number, cutmix: number, more: Partial<MixingOptions> = {}): MixingOptions => ({
  recipe: { mixup: { share: mixup, alpha: 0.4 }, cutmix: { share: cutmix } },
  image,
  classes: CLASSES,
  seed: 1,
  epoch: 0,
  step: 1,
  index: 0,
  ...more,
});

const mixed = (count: number, options: MixingOptions) => {
  const { ids, ...tensors } = batchOf(count);
  mixMicroBatch(tensors, ids, options);
  return tensors;
};

const shares = fc
  .tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([a, b]) => (a + b > 1 ? ([a / 2, b / 2] as const) : ([a, b] as const)));

describe('mixing', () => {
  it('keeps the mass of every target, and an image is mixed as its target says', () => {
    fc.assert(
      fc.property(shares, fc.nat(50), fc.integer({ min: 0, max: SIZE }), ([mixup, cutmix], step, count) => {
        const { images, targets } = mixed(count, optionsOf(mixup, cutmix, { step }));
        for (let row = 0; row < SIZE; row++) {
          const target = targets.subarray(row * CLASSES, (row + 1) * CLASSES);
          const mass = target.reduce((sum, value) => sum + value, 0);
          expect(mass).toBeCloseTo(row < count ? 1 : 0, 6);
          const mean =
            images.subarray(row * PIXELS, (row + 1) * PIXELS).reduce((sum, value) => sum + value, 0) / PIXELS;
          // Row and partner are constants, so the mean tells the share; their classes differ unless 3 apart.
          const own = row + 1;
          const others = Array.from({ length: count }, (_, i) => i + 1).filter((value) => value % 3 !== own % 3);
          const share = target[row % CLASSES]!;
          if (row < count && share < 1) {
            const explained = others.some((other) => Math.abs(own * share + other * (1 - share) - mean) < 1e-4);
            expect(explained).toBe(true);
          }
        }
      }),
    );
  });

  it('leaves padding and single samples alone', () => {
    for (const count of [0, 1]) expect(mixed(count, optionsOf(0.5, 0.5))).toEqual({ ...tensorsOf(count) });
    const { images, targets } = mixed(3, optionsOf(0.5, 0.5));
    expect(images.subarray(3 * PIXELS).every((value) => value === 0)).toBe(true);
    expect(targets.subarray(3 * CLASSES).every((value) => value === 0)).toBe(true);
    expect(Math.min(...images.subarray(0, 3 * PIXELS))).toBeGreaterThanOrEqual(1);
  });

  it('is the same for the same micro-batch, and pairs differently in another one', () => {
    expect(mixed(SIZE, optionsOf(1, 0))).toEqual(mixed(SIZE, optionsOf(1, 0)));
    const first = mixed(SIZE, optionsOf(1, 0));
    const others = [1, 2, 3].map((index) => mixed(SIZE, optionsOf(1, 0, { index })));
    expect(others.some(({ images }) => images.join() !== first.images.join())).toBe(true);
  });

  it('touches about the share of the images that was asked for', () => {
    let touched = 0;
    const steps = 300;
    for (let epoch = 0; epoch < steps; epoch++) {
      const { images } = mixed(SIZE, optionsOf(0.25, 0, { epoch }));
      for (let row = 0; row < SIZE; row++) if (images[row * PIXELS] !== row + 1) touched++;
    }
    expect(touched / (steps * SIZE)).toBeGreaterThan(0.18);
    expect(touched / (steps * SIZE)).toBeLessThan(0.3);
  });
});

function tensorsOf(count: number) {
  const { images, targets } = batchOf(count);
  return { images, targets };
}

describe('cutout', () => {
  it('fills one square inside the image with the mean of each channel, and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(1_000), (cutoutPixels, id) => {
        const values = new Float32Array(PIXELS).fill(9);
        cutOut(values, { image, cutoutPixels, pixelMean: [0.25, 0.5], seed: 1, epoch: 2, id });
        const filled = [...values].map((value, i) => (value === 9 ? -1 : i)).filter((i) => i >= 0);
        const [upper, lower] = [filled.filter((i) => i < 20), filled.filter((i) => i >= 20)];
        expect(lower.map((i) => i - 20)).toEqual(upper);
        expect(upper.every((i) => values[i] === 0.25) && lower.every((i) => values[i] === 0.5)).toBe(true);
        const rows = new Set(upper.map((i) => Math.floor(i / 5)));
        const columns = new Set(upper.map((i) => i % 5));
        expect(upper).toHaveLength(rows.size * columns.size);
        expect(rows.size).toBeGreaterThanOrEqual(1);
        expect(Math.max(rows.size, columns.size)).toBeLessThanOrEqual(cutoutPixels);
      }),
    );
  });

  it('cuts a box off at the edge', () => {
    expect(boxAround({ row: 0, column: 4 }, { height: 3, width: 4 }, image)).toEqual({
      top: 0,
      left: 2,
      bottom: 2,
      right: 5,
    });
  });
});
