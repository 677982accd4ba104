/**
 * Resizing of planes, by the bicubic filter whose support grows with the reduction: enlarging interpolates, shrinking
 * averages over the whole area that a pixel covers, so nothing aliases (the antialiased bicubic of Pillow). Pure.
 */
import type { Plane } from './picture.js';

/** A rectangle in the coordinates of a plane; it may reach beyond the plane, whose edge pixels then go on. */
export interface Crop {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Keys 1981 with a = -1/2, which reproduces a straight line exactly. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

const CUBIC_SUPPORT = 2;

interface Taps {
  /** Position of the first source pixel. */
  readonly first: number;
  /** They add up to 1. */
  readonly weights: readonly number[];
}

/** The source pixels and weights of each target pixel along one axis. */
function tapsOf(start: number, extent: number, target: number): Taps[] {
  const scale = extent / target;
  const stretch = Math.max(1, scale);
  return Array.from({ length: target }, (_, i) => {
    const centre = start + (i + 0.5) * scale - 0.5;
    const first = Math.ceil(centre - CUBIC_SUPPORT * stretch);
    const last = Math.floor(centre + CUBIC_SUPPORT * stretch);
    const weights = Array.from({ length: last - first + 1 }, (_weight, k) => cubic((first + k - centre) / stretch));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** A new plane of the given size that shows the crop; values stay within [0, 1]. */
export function resample(plane: Plane, crop: Crop, { width, height }: { width: number; height: number }): Plane {
  const rows = filterRows(plane, tapsOf(crop.left, crop.width, width));
  const columns = filterRows(transposed(rows), tapsOf(crop.top, crop.height, height));
  const { values } = transposed(columns);
  // The cubic filter overshoots at sharp edges.
  return { width, height, values: values.map((value) => Math.min(1, Math.max(0, value))) };
}

function filterRows({ width, height, values }: Plane, taps: readonly Taps[]): Plane {
  const result = new Float32Array(height * taps.length);
  for (let row = 0; row < height; row++) {
    taps.forEach(({ first, weights }, column) => {
      let sum = 0;
      weights.forEach((weight, k) => {
        sum += weight * values[row * width + Math.min(width - 1, Math.max(0, first + k))]!;
      });
      result[row * taps.length + column] = sum;
    });
  }
  return { width: taps.length, height, values: result };
}

function transposed({ width, height, values }: Plane): Plane {
  const result = new Float32Array(values.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) result[column * height + row] = values[row * width + column]!;
  }
  return { width: height, height: width, values: result };
}
