/**
 * The source of a pixel outside of an image: none, or the image mirrored at its edge. This file computes indices only; the
 * reader of the pixels decides what "none" looks like.
 */
import type { AugmentationConfig } from '../../config/augmentation-schema.js';

export type Padding = AugmentationConfig['padding'];

/** Stands for a pixel that comes from nowhere. */
export const NOWHERE = -1;

/** The index inside 0..size-1 that stands for any whole index; NOWHERE outside with `zero`. The edge is not repeated. */
export function sourceIndex(index: number, size: number, padding: Padding): number {
  if (index >= 0 && index < size) return index;
  if (padding === 'zero') return NOWHERE;
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const folded = ((index % period) + period) % period;
  return folded < size ? folded : period - folded;
}
