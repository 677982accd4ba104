import { describe, expect, it } from 'vitest';
import { overlayAttention, pixelImage } from './pixel-image.js';

it('grey pixels become three equal colours, coloured ones stay', () => {
  expect([...pixelImage(Uint8Array.of(5, 9), { height: 1, width: 2, channels: 1 }).rgb]).toEqual([5, 5, 5, 9, 9, 9]);
  expect([...pixelImage(Uint8Array.of(1, 2, 3), { height: 1, width: 1, channels: 3 }).rgb]).toEqual([1, 2, 3]);
});

describe('an overlay', () => {
  const black = (size: number) => ({ width: size, height: size, rgb: new Uint8Array(3 * size * size) });
  const colouredPixels = (size: number, shares: readonly number[], tokenPixels: number): number[] => {
    const { rgb } = overlayAttention(black(size), { shares, peak: 1, side: 2, tokenPixels });
    return [...rgb.keys()].filter((at) => at % 3 === 0 && rgb[at]! > 0).map((at) => at / 3);
  };

  it('colours the pixels of the token that is looked at, and no others', () => {
    expect(colouredPixels(4, [0, 1, 0, 0], 2)).toEqual([2, 3, 6, 7]);
  });

  it('centres a grid that reaches over the edge of the image', () => {
    // Two tokens of three pixels on a side over four pixels: one pixel of each outer edge is cut.
    expect(colouredPixels(4, [1, 0, 0, 0], 3)).toEqual([0, 1, 4, 5]);
  });

  it('of nothing is the image, darker', () => {
    const white = { width: 1, height: 1, rgb: Uint8Array.of(255, 255, 255) };
    const { rgb } = overlayAttention(white, { shares: [0], peak: 0, side: 1, tokenPixels: 1 });
    expect(new Set(rgb)).toEqual(new Set([158]));
  });
});
