/**
 * The moves of the Square attack: how large its squares are, the stripes it starts from, and the pattern that it adds in an
 * L2 ball (Andriushchenko et al. 2020, sections 3.2 and 3.3). Pure numbers; which move is kept is decided elsewhere.
 */
import type { ImageShape, RandomStream } from '@facet/shared';
import { lengthOf } from './threat.js';

/** A square of an image, in pixels. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly size: number;
}

/** Share of the pixels that the first square covers. */
const START_SHARE = 0.8;
/** Queries, of 10,000, after which the share is halved. */
const HALVINGS = [10, 50, 200, 500, 1_000, 2_000, 4_000, 6_000, 8_000];

/** The side of the square at a query of a budget; the schedule of the paper, stretched to the budget. */
export function squareSide({ height, width }: ImageShape, query: number, budget: number): number {
  const scaled = (query / budget) * 10_000;
  const share = START_SHARE / 2 ** HALVINGS.filter((at) => scaled > at).length;
  const side = Math.round(Math.sqrt(share * height * width));
  return Math.max(1, Math.min(side, height - 1, width - 1));
}

export function drawWindow({ height, width }: ImageShape, size: number, stream: RandomStream): Window {
  return { top: stream.nextBelow(height - size + 1), left: stream.nextBelow(width - size + 1), size };
}

export function drawSign(stream: RandomStream): 1 | -1 {
  return stream.nextUint32() % 2 === 0 ? 1 : -1;
}

/** Indices of a window in one channel of a planar image, row by row. */
export function indicesIn({ top, left, size }: Window, channel: number, { height, width }: ImageShape): number[] {
  const indices: number[] = [];
  for (let row = top; row < top + size; row++) {
    for (let column = left; column < left + size; column++) indices.push((channel * height + row) * width + column);
  }
  return indices;
}

/**
 * The pattern of an L2 move, of length 1: two halves of opposite sign, each a pyramid of concentric rectangles, upright or
 * on its side.
 *
 * @returns [size, size]
 */
export function pyramidPair(size: number, stream: RandomStream): Float32Array {
  const pair = new Float32Array(size * size);
  const upper = Math.floor(size / 2);
  const isOnSide = stream.nextUniform() > 0.5;
  const place = (rows: number, offset: number, sign: 1 | -1): void => {
    const values = pyramid(rows, size);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < size; column++) {
        const at = isOnSide ? column * size + row + offset : (row + offset) * size + column;
        pair[at] = sign * values[row * size + column]!;
      }
    }
  };
  place(upper, 0, 1);
  place(size - upper, upper, -1);
  const length = lengthOf(pair);
  return pair.map((value) => value / length);
}

/** Rectangles growing from the centre, the k-th adding 1 / k^2, scaled to length 1; [rows, columns]. */
function pyramid(rows: number, columns: number): Float32Array {
  const values = new Float32Array(rows * columns);
  const [middleRow, middleColumn] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  for (let ring = 0; ring <= Math.max(middleRow, middleColumn); ring++) {
    for (let row = Math.max(0, middleRow - ring); row <= Math.min(rows - 1, middleRow + ring); row++) {
      for (
        let column = Math.max(0, middleColumn - ring);
        column <= Math.min(columns - 1, middleColumn + ring);
        column++
      ) {
        values[row * columns + column]! += 1 / (ring + 1) ** 2;
      }
    }
  }
  const length = Math.max(lengthOf(values), Number.MIN_VALUE);
  return values.map((value) => value / length);
}
