/**
 * Changes of tone and of the grid of pixels: brightness, contrast, elastic bending, and coarse pixels.
 */
import type { RandomStream } from '@facet/shared';
import { gaussianBlur } from './filters.js';
import {
  createPlane,
  mapPlanes,
  planesOf,
  valueBetween,
  warp,
  type Edge,
  type Picture,
  type Plane,
} from './picture.js';

/** Raises the value of HSV, the largest channel, and keeps hue and saturation. */
export function brightness(picture: Picture, amount: number): Picture {
  const planes = planesOf(picture).map(({ values }) => values);
  const value = planes[0]!.map((_, i) => Math.max(...planes.map((plane) => plane[i]!)));
  return mapPlanes(picture, (plane) => ({
    ...plane,
    values: plane.values.map((channel, i) => {
      const raised = Math.min(1, value[i]! + amount);
      return value[i] === 0 ? raised : (channel * raised) / value[i]!;
    }),
  }));
}

/** Draws every channel towards its mean. */
export function contrast(picture: Picture, share: number): Picture {
  return mapPlanes(picture, (plane) => {
    const mean = plane.values.reduce((sum, value) => sum + value, 0) / plane.values.length;
    return { ...plane, values: plane.values.map((value) => (value - mean) * share + mean) };
  });
}

export interface Elastic {
  /** Pixels by which the bending moves, before its smoothing. */
  readonly alpha: number;
  /** Standard deviation of the smoothing, in pixels. */
  readonly sigma: number;
  /** Pixels by which three points of the affine part move, at most. */
  readonly jitter: number;
  readonly edge: Edge;
}

/** An affine change by three jittered points, then a smooth random displacement (Simard et al. 2003). */
export function elastic(picture: Picture, { alpha, sigma, jitter, edge }: Elastic, stream: RandomStream): Picture {
  const { height, width } = picture.image;
  const sourceOf = jitteredAffine(height, width, jitter, stream);
  const draw = (): Plane =>
    gaussianBlur(
      createPlane(height, width, () => 2 * stream.nextUniform() - 1),
      sigma,
      'mirror',
    );
  const [downwards, sideways] = [draw().values, draw().values];
  return mapPlanes(picture, (plane) => {
    const tilted = warp(plane, edge, sourceOf);
    return createPlane(height, width, (row, column) => {
      const at = row * width + column;
      return valueBetween(tilted, row + alpha * downwards[at]!, column + alpha * sideways[at]!, edge);
    });
  });
}

/** The map that takes three jittered points back to where they were. */
function jitteredAffine(
  height: number,
  width: number,
  jitter: number,
  stream: RandomStream,
): (row: number, column: number) => readonly [number, number] {
  const reach = Math.floor(Math.min(height, width) / 3);
  const [row0, column0] = [Math.floor(height / 2) - reach, Math.floor(width / 2) - reach];
  const shift = (): [number, number] => [
    jitter * (2 * stream.nextUniform() - 1),
    jitter * (2 * stream.nextUniform() - 1),
  ];
  const [corner, below, beside] = [shift(), shift(), shift()];
  // Forward: corner + corner's shift + u (2 reach, along rows) + v (2 reach, along columns); inverted by Cramer's rule.
  const span = 2 * reach;
  const [a, c] = [span + below[0] - corner[0], below[1] - corner[1]];
  const [b, d] = [beside[0] - corner[0], span + beside[1] - corner[1]];
  const determinant = a * d - b * c;
  return (row, column) => {
    const [y, x] = [row - row0 - corner[0], column - column0 - corner[1]];
    const [u, v] = [(d * y - b * x) / determinant, (a * x - c * y) / determinant];
    return [row0 + span * u, column0 + span * v];
  };
}

/** Averages into fewer pixels and shows each of them as a block. */
export function pixelate(picture: Picture, share: number): Picture {
  return mapPlanes(picture, (plane) => {
    const { height, width } = plane;
    const [rows, columns] = [Math.max(1, Math.floor(height * share)), Math.max(1, Math.floor(width * share))];
    const small = createPlane(rows, columns, (row, column) => areaMean(plane, row, column, rows, columns));
    return createPlane(height, width, (row, column) => {
      const [r, c] = [Math.floor(((row + 0.5) * rows) / height), Math.floor(((column + 0.5) * columns) / width)];
      return small.values[r * columns + c]!;
    });
  });
}

/** The mean over one cell of a coarser grid, partly covered pixels by the area covered. */
function areaMean(
  { height, width, values }: Plane,
  row: number,
  column: number,
  rows: number,
  columns: number,
): number {
  const [top, bottom] = [(row * height) / rows, ((row + 1) * height) / rows];
  const [left, right] = [(column * width) / columns, ((column + 1) * width) / columns];
  let [sum, area] = [0, 0];
  for (let r = Math.floor(top); r < Math.min(height, bottom); r++) {
    for (let c = Math.floor(left); c < Math.min(width, right); c++) {
      const covered = (Math.min(bottom, r + 1) - Math.max(top, r)) * (Math.min(right, c + 1) - Math.max(left, c));
      sum += covered * values[r * width + c]!;
      area += covered;
    }
  }
  return sum / area;
}
