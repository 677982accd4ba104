import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { tokenShift, unfold } from '@facet/compiler';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** What unfolding means, in plain loops over a single-channel grid. */
function unfoldByHand(cells: readonly (readonly number[])[], size: number, stride: number): number[] {
  const before = Math.ceil((size - stride) / 2);
  const result: number[] = [];
  for (let row = 0; row < cells.length; row += stride) {
    for (let column = 0; column < cells.length; column += stride) {
      for (let tap = 0; tap < size * size; tap++) {
        const [r, c] = [row + Math.floor(tap / size) - before, column + (tap % size) - before];
        result.push(cells[r]?.[c] ?? 0);
      }
    }
  }
  return result;
}

describe.each([
  { size: 2, stride: 2 },
  { size: 3, stride: 2 },
  { size: 4, stride: 2 },
  { size: 5, stride: 2 },
  { size: 3, stride: 1 },
  { size: 3, stride: 3 },
])('unfolding windows of $size cells, $stride apart', (window) => {
  const side = 6;
  const grid = Array.from({ length: side }, (_, row) =>
    Array.from({ length: side }, (_c, column) => 1 + row * 10 + column),
  );

  it('reads every window, with zeros outside the grid', () => {
    const x = tf.tensor4d(grid.flat(), [1, side, side, 1]);
    expect([...unfold(x, window).dataSync()]).toEqual(unfoldByHand(grid, window.size, window.stride));
  });

  it('has its transpose as gradient: <unfold(x), y> = <x, gradient(y)>', () => {
    const x = tf.randomNormal<tf.Rank.R4>([2, side, side, 3], 0, 1, 'float32', 7);
    const unfolded = unfold(x, window);
    const y = tf.randomNormal<tf.Rank.R4>(unfolded.shape, 0, 1, 'float32', 8);
    const gradient = tf.grad((input: tf.Tensor) =>
      unfold(input as tf.Tensor4D, window)
        .mul(y)
        .sum(),
    )(x);
    expect(gradient.shape).toEqual(x.shape);
    expect(gradient.mul(x).sum().dataSync()[0]).toBeCloseTo(unfolded.mul(y).sum().dataSync()[0]!, 3);
  });
});

describe('token shift', () => {
  it('moves an eighth of the channels in each direction and leaves half of them', () => {
    const x = tf.tensor4d(
      Array.from({ length: 9 * 8 }, (_, i) => 1 + Math.floor(i / 8)),
      [1, 3, 3, 8],
    );
    const centre = tokenShift(x).slice([0, 1, 1, 0], [1, 1, 1, 8]).dataSync();
    expect([...centre]).toEqual([8, 2, 6, 4, 5, 5, 5, 5]);
  });

  it('has its transpose as gradient', () => {
    const x = tf.randomNormal<tf.Rank.R4>([2, 3, 3, 8], 0, 1, 'float32', 3);
    const y = tf.randomNormal<tf.Rank.R4>([2, 3, 3, 8], 0, 1, 'float32', 4);
    const gradient = tf.grad((input: tf.Tensor) =>
      tokenShift(input as tf.Tensor4D)
        .mul(y)
        .sum(),
    )(x);
    expect(gradient.mul(x).sum().dataSync()[0]).toBeCloseTo(tokenShift(x).mul(y).sum().dataSync()[0]!, 4);
  });
});
