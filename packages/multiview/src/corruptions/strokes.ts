/**
 * Strokes over a digit: inverted stripes, dotted lines and zigzags, as MNIST-C draws them.
 */
import type { RandomStream } from '@facet/shared';
import { createPlane, mapPixels, type Picture, type Plane } from './picture.js';

/** Inverts the outer quarters, by a share: 1 makes white of black. */
export function stripe(picture: Picture, share: number): Picture {
  const { width } = picture.image;
  return mapPixels(picture, (value, at) => {
    const column = at % width;
    const isOutside = column < width / 4 || column >= (3 * width) / 4;
    return isOutside ? value + share * (1 - 2 * value) : value;
  });
}

interface Point {
  readonly row: number;
  readonly column: number;
}

/** Rows from the middle of a line at which it has faded away. */
const FADED = 2.3;

/** A soft line from left to right; its brightness falls with the vertical distance. */
function line({ image: { height, width } }: Picture, from: Point, to: Point): Plane {
  const slope = (to.row - from.row) / (to.column - from.column);
  return createPlane(height, width, (row, column) => {
    if (column < Math.floor(from.column) || column >= Math.ceil(to.column)) return 0;
    const distance = Math.abs(row - (from.row + slope * (column - from.column)));
    return distance >= FADED ? 0 : Math.max(0, Math.log(1 - distance / FADED) + 1);
  });
}

function add(picture: Picture, stroke: Plane): Picture {
  return mapPixels(picture, (value, at) => Math.min(1, value + stroke.values[at]!));
}

/** Draws lines from edge to edge, two pixels on, two off. */
export function dottedLines(picture: Picture, count: number, stream: RandomStream): Picture {
  const { height, width } = picture.image;
  let result = picture;
  for (let i = 0; i < count; i++) {
    const [start, end] = [stream.nextBelow(height - 1), stream.nextBelow(height - 1)];
    const whole = line(picture, { row: start, column: 0 }, { row: end, column: width - 1 });
    const isGap = (at: number): boolean => Math.floor((at % width) / 2) % 2 === 0;
    result = add(result, { ...whole, values: whole.values.map((value, at) => (isGap(at) ? 0 : value)) });
  }
  return result;
}

/** Half a wave, and the height of one. */
const TOOTH = 2;

/** Draws zigzags from left to right, up or down by at most five rows. */
export function zigzags(picture: Picture, count: number, stream: RandomStream): Picture {
  const { height, width } = picture.image;
  let result = picture;
  for (let i = 0; i < count; i++) {
    const start: Point = { row: stream.nextBelow(height - 1), column: 2 };
    const end: Point = { row: start.row + stream.nextBelow(10) - 5, column: width - 3 };
    const angle = Math.atan2(end.row - start.row, end.column - start.column);
    const length = (end.column - start.column) / Math.cos(angle);
    // Along the line and across it: a tooth up, a tooth down.
    const along = (distance: number, across: number): Point => ({
      row: start.row + distance * Math.sin(angle) + across * Math.cos(angle),
      column: start.column + distance * Math.cos(angle) - across * Math.sin(angle),
    });
    const corners = [along(0, 0)];
    for (let tooth = 0; (2 * tooth + 1) * TOOTH <= length; tooth++) {
      corners.push(along((2 * tooth + 1) * TOOTH, tooth % 2 === 0 ? TOOTH : -TOOTH));
    }
    corners.push(along(length, 0));
    for (let k = 1; k < corners.length; k++) result = add(result, line(picture, corners[k - 1]!, corners[k]!));
  }
  return result;
}
