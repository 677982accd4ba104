/**
 * Affine changes about the centre of the picture; what comes in from outside is black.
 */
import type { RandomStream } from '@facet/shared';
import { mapPlanes, warp, type Picture } from './picture.js';

/** Where the result looks: [row, column] of the source = matrix * [row, column] about the centre. */
function affine(picture: Picture, [a, b, c, d]: readonly [number, number, number, number]): Picture {
  const [middleRow, middleColumn] = [(picture.image.height - 1) / 2, (picture.image.width - 1) / 2];
  return mapPlanes(picture, (plane) =>
    warp(plane, 'zero', (row, column) => {
      const [y, x] = [row - middleRow, column - middleColumn];
      return [middleRow + a * y + b * x, middleColumn + c * y + d * x];
    }),
  );
}

const drawDirection = (stream: RandomStream): number => (stream.nextUint32() % 2 === 0 ? 1 : -1);

/** Slants by an angle in radians, to either side. */
export function shear(picture: Picture, radians: number, stream: RandomStream): Picture {
  const angle = radians * drawDirection(stream);
  return affine(picture, [Math.cos(angle), 0, -Math.sin(angle), 1]);
}

/** Turns by an angle in radians, either way. */
export function rotate(picture: Picture, radians: number, stream: RandomStream): Picture {
  const angle = radians * drawDirection(stream);
  return affine(picture, [Math.cos(angle), Math.sin(angle), -Math.sin(angle), Math.cos(angle)]);
}

/** Shrinks to a share of the size. */
export function shrink(picture: Picture, share: number): Picture {
  return affine(picture, [1 / share, 0, 0, 1 / share]);
}

/** Moves by whole pixels along both axes, each either way. */
export function translate(picture: Picture, pixels: number, stream: RandomStream): Picture {
  const [down, right] = [pixels * drawDirection(stream), pixels * drawDirection(stream)];
  return mapPlanes(picture, (plane) => warp(plane, 'zero', (row, column) => [row + down, column + right]));
}
