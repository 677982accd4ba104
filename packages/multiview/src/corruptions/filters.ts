/**
 * Linear filters of planes: Gaussian, any small kernel, and the one-sided smear of a moving camera.
 */
import { createPlane, pixelAt, valueBetween, type Edge, type Plane } from './picture.js';

/** Where a Gaussian is cut off, in standard deviations. */
const TRUNCATE = 4;

/** Blurs by a Gaussian; a standard deviation of 0 changes nothing. */
export function gaussianBlur(plane: Plane, sigma: number, edge: Edge = 'nearest'): Plane {
  if (sigma === 0) return plane;
  const radius = Math.round(TRUNCATE * sigma);
  const weights = normalised(
    Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2))),
  );
  const along = (source: Plane, stepRow: number, stepColumn: number): Plane =>
    createPlane(source.height, source.width, (row, column) =>
      weights.reduce((sum, weight, i) => {
        const at = i - radius;
        return sum + weight * pixelAt(source, row + at * stepRow, column + at * stepColumn, edge);
      }, 0),
    );
  return along(along(plane, 1, 0), 0, 1);
}

/** Correlates with a square kernel of odd side, mirrored at the edges; weights of zero cost nothing. */
export function filter(plane: Plane, kernel: Plane): Plane {
  const middle = (kernel.height - 1) / 2;
  const taps = [...kernel.values].flatMap((weight, i) =>
    weight === 0 ? [] : [{ weight, row: Math.floor(i / kernel.width) - middle, column: (i % kernel.width) - middle }],
  );
  return createPlane(plane.height, plane.width, (row, column) =>
    taps.reduce((sum, tap) => sum + tap.weight * pixelAt(plane, row + tap.row, column + tap.column, 'mirror'), 0),
  );
}

export interface Motion {
  readonly radius: number;
  readonly sigma: number;
  /** Radians, from the right towards below. */
  readonly angle: number;
}

/** Smears to one side: 2 radius + 1 samples along a line, weighted by half a Gaussian. */
export function motionBlur(plane: Plane, { radius, sigma, angle }: Motion): Plane {
  const weights = normalised(Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-(i ** 2) / (2 * sigma ** 2))));
  const [stepRow, stepColumn] = [Math.sin(angle), Math.cos(angle)];
  return createPlane(plane.height, plane.width, (row, column) =>
    weights.reduce(
      (sum, weight, i) => sum + weight * valueBetween(plane, row + i * stepRow, column + i * stepColumn, 'nearest'),
      0,
    ),
  );
}

function normalised(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
