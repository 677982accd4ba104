import { NO_AUGMENTATION } from '../../config/augmentation-schema.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OPERATIONS, randAugment } from './rand-augment.js';

const colour = { height: 7, width: 9, channels: 3 };
const grey = { height: 8, width: 8, channels: 1 };

/** An image with dark, bright, flat and noisy parts. */
function sampleImage({ height, width, channels }: typeof colour): Uint8Array {
  return Uint8Array.from({ length: height * width * channels }, (_, i) => (i % 5 === 0 ? 40 : (i * 37) % 230));
}

const images = [colour, grey].map((image) => ({ image, source: sampleImage(image) }));

describe.each(OPERATIONS.map((operation) => ({ name: operation.name, operation })))('$name', ({ operation }) => {
  const cases = images.filter(({ image }) => image.channels === 3 || operation.colourOnly !== true);
  const apply = (
    { image, source }: (typeof images)[number],
    strength: number,
    padding: 'zero' | 'reflect' = 'zero',
  ) => {
    const target = new Uint8Array(source.length).fill(123);
    operation.apply(source, target, image, strength, padding);
    return target;
  };

  it('is the identity at strength 0, with either padding', () => {
    for (const of of cases) {
      for (const padding of ['zero', 'reflect'] as const) {
        expect(apply(of, 0, padding)).toEqual(of.source);
        expect(apply(of, -0, padding)).toEqual(of.source);
      }
    }
  });

  it('changes an image at full strength in both directions, writes every byte, and leaves its input alone', () => {
    for (const of of cases) {
      const before = of.source.slice();
      for (const strength of [1, -1]) {
        const target = apply(of, strength);
        expect(target).not.toEqual(of.source);
        const other = new Uint8Array(of.source.length).fill(7);
        operation.apply(of.source, other, of.image, strength, 'zero');
        expect(other).toEqual(target);
      }
      expect(of.source).toEqual(before);
    }
  });

  it('keeps a black image black and, where colours are kept, a flat one flat', () => {
    for (const { image, source } of cases) {
      const black = new Uint8Array(source.length);
      const flat = new Uint8Array(source.length).fill(90);
      for (const strength of [0.6, -0.6]) {
        const isInverted = operation.name === 'solarize';
        if (!isInverted) expect(apply({ image, source: black }, strength, 'reflect')).toEqual(black);
        expect(new Set(apply({ image, source: flat }, strength, 'reflect')).size).toBe(1);
      }
    }
  });
});

const byName = (name: string) => OPERATIONS.find((operation) => operation.name === name)!;

describe('the operations', () => {
  const row = { height: 1, width: 5, channels: 1 };
  const applied = (name: string, source: readonly number[], strength: number, image = row): number[] => {
    const target = new Uint8Array(source.length);
    byName(name).apply(Uint8Array.from(source), target, image, strength, 'zero');
    return [...target];
  };

  it.each([
    ['brightness', 1, [0, 100, 120, 200, 255], [0, 190, 228, 255, 255]],
    ['brightness', -1, [0, 100, 120, 200, 250], [0, 10, 12, 20, 25]],
    // The mean is 120.
    ['contrast', -1, [20, 120, 120, 120, 220], [110, 120, 120, 120, 130]],
    ['posterize', 1, [15, 16, 31, 32, 255], [0, 16, 16, 32, 240]],
    ['solarize', 0.5, [0, 127, 128, 200, 255], [0, 127, 127, 55, 0]],
    ['autocontrast', 1, [50, 60, 70, 90, 100], [0, 51, 102, 204, 255]],
    ['autocontrast', 0.5, [50, 60, 70, 90, 100], [25, 56, 86, 147, 178]],
    // Five values, each once: they are spread evenly.
    ['equalize', 1, [3, 4, 5, 6, 200], [0, 64, 128, 191, 255]],
    // 30 % of the width is a pixel and a half: the mean of two neighbours.
    ['translate-x', 1, [10, 20, 30, 40, 50], [25, 35, 45, 25, 0]],
  ])('%s at strength %f does what its documentation says', (name, strength, source, expected) => {
    expect(applied(name, source, strength)).toEqual(expected);
  });

  it('shear, turn and translate about the centre', () => {
    const image = { height: 5, width: 5, channels: 1 };
    const cross = Array.from({ length: 25 }, (_, i) => (i === 12 ? 200 : 0));
    for (const name of ['rotate', 'shear-x', 'shear-y']) expect(applied(name, cross, 1, image)[12]).toBe(200);
    expect(applied('translate-y', cross, 2 / 3, image).indexOf(200)).toBe(7);
  });

  it('sharpen a spot, or blur it, and leave the edge of the image alone', () => {
    const image = { height: 3, width: 3, channels: 1 };
    const spot = [50, 50, 50, 50, 115, 50, 50, 50, 50];
    // The smooth value is (8 * 50 + 5 * 115) / 13 = 75, the difference 40.
    expect(applied('sharpness', spot, 1, image)).toEqual(spot.with(4, 151));
    expect(applied('sharpness', spot, -1, image)).toEqual(spot.with(4, 79));
  });

  it('saturate by moving colours away from their grey, which stays', () => {
    const image = { height: 1, width: 2, channels: 3 };
    const [red, green, blue, ...greyPixel] = applied('saturation', [200, 100, 100, 80, 80, 80], -1, image);
    expect(greyPixel).toEqual([80, 80, 80]);
    // The grey of the first pixel is 129.9; a tenth of the difference is left.
    expect([red, green, blue]).toEqual([137, 127, 127]);
  });
});

describe('drawing operations', () => {
  const draw = (id: number, epoch: number, magnitude: number, of = images[0]!) => {
    const recipe = { ...NO_AUGMENTATION, randAugment: { operations: 2, magnitude } };
    const buffers = [of.source.slice(), new Uint8Array(of.source.length)] as const;
    return randAugment(buffers, { recipe, image: of.image, seed: 1, epoch, id })[0];
  };

  it('depends on the sample and the epoch, and on nothing else', () => {
    fc.assert(
      fc.property(fc.nat(60_000), fc.nat(300), (id, epoch) => {
        expect(draw(id, epoch, 9)).toEqual(draw(id, epoch, 9));
      }),
    );
    expect(draw(1, 1, 9)).not.toEqual(draw(2, 1, 9));
    expect(draw(1, 1, 9)).not.toEqual(draw(1, 2, 9));
  });

  it('changes nothing at magnitude 0, and never draws colour operations for grey images', () => {
    for (let id = 0; id < 200; id++) {
      expect(draw(id, 0, 0)).toEqual(images[0]!.source);
      expect(() => draw(id, 0, 10, images[1])).not.toThrow();
    }
  });
});
