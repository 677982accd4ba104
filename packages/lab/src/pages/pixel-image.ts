/**
 * From the samples of a dataset to pictures, and from attention to pictures with a colour over what is looked at.
 */
import type { ImageShape } from '@facet/shared';
import type { PixelImage } from './kit/png-uri.js';

/** @param pixels [height, width, channels], 0..255; grey or RGB */
export function pixelImage(pixels: Uint8Array, { height, width, channels }: ImageShape): PixelImage {
  const rgb = Uint8Array.from({ length: height * width * 3 }, (_, at) => {
    return pixels[channels === 3 ? at : Math.floor(at / 3)]!;
  });
  return { width, height, rgb };
}

export interface AttentionOverlay {
  /** A share for each token, row by row. */
  readonly shares: readonly number[];
  /** The share that gets the full colour. */
  readonly peak: number;
  /** Tokens along one side; the grid is centred on the image. */
  readonly side: number;
  /** Pixels from one token to the next. */
  readonly tokenPixels: number;
}

/** Seen well on black digits and on photographs. */
const COLOUR = [255, 140, 0] as const;
/** The image still shows through the full colour, and is darkened where nobody looks. */
const MOST_COLOUR = 0.72;
const DIMMED = 0.62;

/** The image in grey, each token's part of it coloured by its share. */
export function overlayAttention({ width, height, rgb }: PixelImage, overlay: AttentionOverlay): PixelImage {
  const { shares, peak, side } = overlay;
  const tokenAt = (x: number, y: number): number =>
    tokenIndex(y, height, overlay) * side + tokenIndex(x, width, overlay);
  const coloured = rgb.map((_, at) => {
    const pixel = Math.floor(at / 3);
    const share = shares[tokenAt(pixel % width, Math.floor(pixel / width))]!;
    const strength = MOST_COLOUR * Math.min(1, peak > 0 ? share / peak : 0);
    const grey = (rgb[3 * pixel]! + rgb[3 * pixel + 1]! + rgb[3 * pixel + 2]!) / 3;
    return Math.round((1 - strength) * DIMMED * grey + strength * COLOUR[at % 3]!);
  });
  return { width, height, rgb: coloured };
}

/** The token whose square a pixel lies in. */
function tokenIndex(at: number, size: number, { side, tokenPixels }: AttentionOverlay): number {
  const index = Math.floor((at - (size - 1) / 2) / tokenPixels + side / 2);
  return Math.min(side - 1, Math.max(0, index));
}
