/**
 * Turns the numbers that a model computes with into the bytes of a picture.
 */
import type { ImageShape } from '@facet/shared';

/**
 * One image as bytes.
 *
 * @param planar [channels, height, width], fractions of 1; what lies outside is cut
 * @returns [height, width, channels], 0..255
 */
export function interleavedBytes(planar: Float32Array, { height, width, channels }: ImageShape): Uint8Array {
  const area = height * width;
  return Uint8Array.from(planar, (_, at) => {
    const value = planar[(at % channels) * area + Math.floor(at / channels)]!;
    return Math.round(255 * Math.min(1, Math.max(0, value)));
  });
}
