/**
 * Blurs: out of focus, through frosted glass, of a moving camera, and of one that zooms.
 */
import type { RandomStream } from '@facet/shared';
import { filter, gaussianBlur, motionBlur } from './filters.js';
import { createPlane, mapPlanes, planesOf, zoomIn, type Picture, type Plane } from './picture.js';

export interface Focus {
  readonly radius: number;
  /** Standard deviation of the smoothing that takes the steps off the disk's edge. */
  readonly smoothing: number;
}

/** Averages over a disk. */
export function defocusBlur(picture: Picture, { radius, smoothing }: Focus): Picture {
  const kernel = disk(radius, smoothing);
  return mapPlanes(picture, (plane) => filter(plane, kernel));
}

function disk(radius: number, smoothing: number): Plane {
  const reach = Math.max(8, radius);
  const side = 2 * reach + 1;
  const hard = createPlane(side, side, (row, column) =>
    (row - reach) ** 2 + (column - reach) ** 2 <= radius ** 2 ? 1 : 0,
  );
  const sum = hard.values.reduce((total, value) => total + value, 0);
  const even = createPlane(side, side, (row, column) => hard.values[row * side + column]! / sum);
  // The published code smooths with a kernel of 3 x 3, 5 x 5 for disks above 8 pixels, whatever the deviation.
  const half = radius <= 8 ? 1 : 2;
  const bell = createPlane(2 * half + 1, 2 * half + 1, (row, column) =>
    Math.exp(-((row - half) ** 2 + (column - half) ** 2) / (2 * smoothing ** 2)),
  );
  const weight = bell.values.reduce((total, value) => total + value, 0);
  return filter(even, { ...bell, values: bell.values.map((value) => value / weight) });
}

export interface Glass {
  readonly sigma: number;
  /** How far a pixel may be swapped, along each axis. */
  readonly reach: number;
  readonly passes: number;
  /** Share of the pixels that are swapped in a pass. */
  readonly share: number;
}

/** Blurs, swaps each pixel with one nearby, and blurs again. */
export function glassBlur(picture: Picture, { sigma, reach, passes, share }: Glass, stream: RandomStream): Picture {
  const { height, width } = picture.image;
  const blurred = mapPlanes(picture, (plane) => gaussianBlur(plane, sigma));
  const planes = planesOf(blurred);
  for (let pass = 0; pass < passes; pass++) {
    for (let row = height - reach; row > reach; row--) {
      for (let column = width - reach; column > reach; column--) {
        if (share < 1 && stream.nextUniform() >= share) continue;
        const other =
          (row + stream.nextBelow(2 * reach) - reach) * width + column + stream.nextBelow(2 * reach) - reach;
        const here = row * width + column;
        for (const { values } of planes) [values[here], values[other]] = [values[other]!, values[here]!];
      }
    }
  }
  return mapPlanes(blurred, (plane) => gaussianBlur(plane, sigma));
}

export interface Shake {
  readonly radius: number;
  readonly sigma: number;
}

/** Smears in a direction within 45 degrees of the horizontal. */
export function shakeBlur(picture: Picture, shake: Shake, stream: RandomStream): Picture {
  const angle = ((stream.nextUniform() - 0.5) * Math.PI) / 2;
  return mapPlanes(picture, (plane) => motionBlur(plane, { ...shake, angle }));
}

export interface Zoom {
  /** The largest factor; the mean goes over 1, 1 + step, ... below it. */
  readonly below: number;
  readonly step: number;
}

/** The mean of the picture and of all its magnifications. */
export function zoomBlur(picture: Picture, { below, step }: Zoom): Picture {
  const factors: number[] = [];
  for (let i = 0; 1 + i * step < below - 1e-9; i++) factors.push(1 + i * step);
  return mapPlanes(picture, (plane) => {
    const zoomed = factors.map((factor) => zoomIn(plane, factor));
    return createPlane(plane.height, plane.width, (row, column) => {
      const at = row * plane.width + column;
      return zoomed.reduce((sum, { values }) => sum + values[at]!, plane.values[at]!) / (factors.length + 1);
    });
  });
}
