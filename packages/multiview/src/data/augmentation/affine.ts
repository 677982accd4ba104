/**
 * Resamples an image through an affine map, bilinearly. The map goes from the new image to the old one and is taken about
 * the centre, so the identity gives back every byte.
 */
import type { ImageShape } from '@facet/shared';
import { NOWHERE, sourceIndex, type Padding } from './border.js';

/** Where a target pixel at (x, y) from the centre looks: (xx * x + xy * y + dx, yx * x + yy * y + dy). */
export interface AffineMap {
  readonly xx: number;
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
  /** In pixels. */
  readonly dx: number;
  readonly dy: number;
}

export const IDENTITY: AffineMap = { xx: 1, xy: 0, yx: 0, yy: 1, dx: 0, dy: 0 };

/** Turns an image by an angle and makes it larger by a factor. */
export function rotation(radians: number, scale = 1): AffineMap {
  const cos = Math.cos(radians) / scale;
  const sin = Math.sin(radians) / scale;
  return { ...IDENTITY, xx: cos, xy: sin, yx: -sin, yy: cos };
}

/**
 * Writes the resampled image.
 *
 * @param source [height, width, channels]; must not share memory with `target`
 * @param target [height, width, channels]
 */
export function resample(
  source: Uint8Array,
  target: Uint8Array,
  { height, width, channels }: ImageShape,
  { xx, xy, yx, yy, dx, dy }: AffineMap,
  padding: Padding,
): void {
  const centreX = (width - 1) / 2;
  const centreY = (height - 1) / 2;
  const rowBytes = width * channels;
  const neighbours = new Int32Array(4);
  let at = 0;
  for (let row = 0; row < height; row++) {
    const y = row - centreY;
    for (let column = 0; column < width; column++) {
      const x = column - centreX;
      const sourceX = xx * x + xy * y + dx + centreX;
      const sourceY = yx * x + yy * y + dy + centreY;
      const left = Math.floor(sourceX);
      const top = Math.floor(sourceY);
      const toRight = sourceX - left;
      const toBottom = sourceY - top;
      // Most pixels have their four neighbours inside: this is the path that must be fast.
      if (left >= 0 && top >= 0 && left < width - 1 && top < height - 1) {
        let offset = top * rowBytes + left * channels;
        for (let channel = 0; channel < channels; channel++, offset++) {
          const upper = source[offset]! + (source[offset + channels]! - source[offset]!) * toRight;
          const below = offset + rowBytes;
          const lower = source[below]! + (source[below + channels]! - source[below]!) * toRight;
          target[at++] = upper + (lower - upper) * toBottom + 0.5;
        }
        continue;
      }
      const leftOffset = sourceIndex(left, width, padding) * channels;
      const rightOffset = sourceIndex(left + 1, width, padding) * channels;
      const topOffset = sourceIndex(top, height, padding) * rowBytes;
      const bottomOffset = sourceIndex(top + 1, height, padding) * rowBytes;
      neighbours[0] = joined(topOffset, leftOffset);
      neighbours[1] = joined(topOffset, rightOffset);
      neighbours[2] = joined(bottomOffset, leftOffset);
      neighbours[3] = joined(bottomOffset, rightOffset);
      for (let channel = 0; channel < channels; channel++) {
        const first = pixelAt(source, neighbours[0], channel);
        const upper = first + (pixelAt(source, neighbours[1], channel) - first) * toRight;
        const third = pixelAt(source, neighbours[2], channel);
        const lower = third + (pixelAt(source, neighbours[3], channel) - third) * toRight;
        target[at++] = upper + (lower - upper) * toBottom + 0.5;
      }
    }
  }
}

function joined(rowOffset: number, columnOffset: number): number {
  return rowOffset < 0 || columnOffset < 0 ? NOWHERE : rowOffset + columnOffset;
}

function pixelAt(source: Uint8Array, offset: number, channel: number): number {
  return offset === NOWHERE ? 0 : source[offset + channel]!;
}
