/**
 * Operations that look at a whole pixel or at its neighbours. Like the tables they take a signed strength, and strength 0 is
 * the identity.
 */
import type { ImageShape } from '@facet/shared';
import { ENHANCEMENT, luma } from './tables.js';

/** Writes [height, width, channels]; `source` and `target` must not share memory. */
export type Filter = (source: Uint8Array, target: Uint8Array, image: ImageShape, strength: number) => void;

/** Moves every colour away from its grey, or towards it. Colour images only. */
export const saturation: Filter = (source, target, { channels }, strength) => {
  const factor = 1 + ENHANCEMENT * strength;
  for (let at = 0; at < source.length; at += channels) {
    const grey = luma(source, at, channels);
    for (let channel = 0; channel < channels; channel++) {
      target[at + channel] = toByte(grey + (source[at + channel]! - grey) * factor);
    }
  }
};

/** Moves every pixel away from the mean of its neighbourhood (its own weight is 5 of 13), or towards it; not at the edge. */
export const sharpness: Filter = (source, target, { height, width, channels }, strength) => {
  const factor = 1 + ENHANCEMENT * strength;
  const rowBytes = width * channels;
  target.set(source);
  for (let row = 1; row < height - 1; row++) {
    for (let at = row * rowBytes + channels; at < (row + 1) * rowBytes - channels; at++) {
      const above = source[at - rowBytes - channels]! + source[at - rowBytes]! + source[at - rowBytes + channels]!;
      const below = source[at + rowBytes - channels]! + source[at + rowBytes]! + source[at + rowBytes + channels]!;
      const centre = source[at]!;
      const smooth = (above + below + source[at - channels]! + source[at + channels]! + 5 * centre) / 13;
      target[at] = toByte(smooth + (centre - smooth) * factor);
    }
  }
};

function toByte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : value + 0.5;
}
