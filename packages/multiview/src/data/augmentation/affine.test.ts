import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IDENTITY, resample, rotation, type AffineMap } from './affine.js';
import { NOWHERE, sourceIndex } from './border.js';

const image = { height: 6, width: 6, channels: 2 };
const source = Uint8Array.from({ length: 72 }, (_, i) => (i * 53) % 256);
const resampled = (map: AffineMap, padding: 'zero' | 'reflect'): Uint8Array => {
  const target = new Uint8Array(source.length);
  resample(source, target, image, map, padding);
  return target;
};
const pixel = (values: Uint8Array, row: number, column: number): number[] => [
  ...values.subarray((row * 6 + column) * 2, (row * 6 + column) * 2 + 2),
];

describe('an index outside of an image', () => {
  it('is nowhere, or mirrored without repeating the edge', () => {
    const indices = [-4, -3, -2, -1, 0, 3, 4, 5, 6, 7];
    expect(indices.map((i) => sourceIndex(i, 4, 'reflect'))).toEqual([2, 3, 2, 1, 0, 3, 2, 1, 0, 1]);
    expect(indices.map((i) => sourceIndex(i, 4, 'zero'))).toEqual(indices.map((i) => (i >= 0 && i < 4 ? i : NOWHERE)));
  });

  it('always has a mirror image inside, however small the image', () => {
    fc.assert(
      fc.property(fc.integer({ min: -500, max: 500 }), fc.integer({ min: 1, max: 40 }), (index, size) => {
        const inside = sourceIndex(index, size, 'reflect');
        expect(inside).toBeGreaterThanOrEqual(0);
        expect(inside).toBeLessThan(size);
      }),
    );
  });
});

describe('resampling', () => {
  it('gives back every byte under the identity', () => {
    expect(resampled(IDENTITY, 'zero')).toEqual(source);
    expect(resampled(rotation(0, 1), 'reflect')).toEqual(source);
  });

  it('turns by a quarter exactly, and by a quarter four times back to the start', () => {
    const turned = resampled(rotation(Math.PI / 2), 'zero');
    // Rows count downwards: what was at the right is now at the bottom, or at the top.
    const corners = [pixel(source, 0, 0), pixel(source, 0, 5), pixel(source, 5, 5), pixel(source, 5, 0)];
    const now = [pixel(turned, 0, 0), pixel(turned, 0, 5), pixel(turned, 5, 5), pixel(turned, 5, 0)];
    const shift = corners.findIndex((corner) => corner.join() === now[0]!.join());
    expect([1, 3]).toContain(shift);
    expect(now).toEqual(corners.map((_, i) => corners[(i + shift) % 4]));
  });

  it('fills what it uncovers with black or with the mirrored image, and stays in range', () => {
    const far = { ...IDENTITY, dx: -2 };
    expect(pixel(resampled(far, 'zero'), 3, 0)).toEqual([0, 0]);
    expect(pixel(resampled(far, 'reflect'), 3, 0)).toEqual(pixel(source, 3, 2));
    const white = new Uint8Array(source.length).fill(255);
    fc.assert(
      fc.property(
        fc.double({ min: -1, max: 1, noNaN: true }),
        fc.double({ min: 0.5, max: 1.5, noNaN: true }),
        (angle, scale) => {
          const target = new Uint8Array(source.length);
          resample(white, target, image, rotation(angle, scale), 'reflect');
          expect(target).toEqual(white);
        },
      ),
    );
  });
});
