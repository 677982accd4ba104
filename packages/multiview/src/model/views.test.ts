import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { VIEW_NAMES } from '../config/model-schema.js';
import { viewPatches } from './resample.js';
import { VIEWS } from './views.js';

const SIDE = 16;
const IMAGE = { height: SIDE, width: SIDE, channels: 1 };
/** One patch that is the whole image: what a view sees, uncut. */
const WHOLE = { cells: 1, patchSize: SIDE, stride: SIDE };

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function seen(pixels: (row: number, column: number) => number, view: keyof typeof VIEWS): number[] {
  const values = Array.from({ length: SIDE * SIDE }, (_, i) => pixels(Math.floor(i / SIDE), i % SIDE));
  return [...viewPatches(tf.tensor3d(values, [1, SIDE, SIDE]), VIEWS[view], IMAGE, WHOLE).dataSync()];
}

describe('a view', () => {
  it('leaves the image as it is when it is the identity', () => {
    expect(seen((row, column) => row * SIDE + column, 'identity')).toEqual(
      Array.from({ length: SIDE * SIDE }, (_, i) => i),
    );
  });

  it('moves what a shift looks at up and to the left', () => {
    const image = seen((row, column) => (row === 8 && column === 9 ? 1 : 0), 'shift');
    expect(image[(8 - VIEWS.shift.shiftY) * SIDE + 9 - VIEWS.shift.shiftX]).toBe(1);
    expect(image.reduce((sum, value) => sum + value, 0)).toBe(1);
  });

  it('turns a bar clockwise, by the angle that it says', () => {
    const image = seen((_row, column) => (column === 7 || column === 8 ? 1 : 0), 'rotation');
    // The centre of mass of each row moves by tan(15 degrees) for every row away from the centre.
    const centres = [3, 4, 5, 10, 11, 12].map((row) => {
      const cells = image.slice(row * SIDE, (row + 1) * SIDE);
      const mass = cells.reduce((sum, value) => sum + value, 0);
      return cells.reduce((sum, value, column) => sum + (value * column) / mass, 0) - (SIDE - 1) / 2;
    });
    const slope = (centres.at(-1)! - centres[0]!) / 9;
    expect(Math.abs(slope)).toBeCloseTo(Math.tan((15 * Math.PI) / 180), 1);
    // Clockwise: the upper end goes to the right.
    expect(slope).toBeLessThan(0);
  });

  it.each(VIEW_NAMES)('of the name %s keeps a constant image constant at its centre', (view) => {
    const image = seen(() => 1, view);
    for (const at of [7, 8]) expect(image[at * SIDE + at]).toBeCloseTo(1, 5);
  });

  it.each(VIEW_NAMES)('of the name %s is linear, and passes a gradient to the pixels', (view) => {
    const x = tf.randomNormal<tf.Rank.R3>([1, SIDE, SIDE], 0, 1, 'float32', 5);
    const y = tf.randomNormal<tf.Rank.R2>([1, SIDE * SIDE], 0, 1, 'float32', 6);
    const look = (input: tf.Tensor): tf.Tensor =>
      viewPatches(input as tf.Tensor3D, VIEWS[view], IMAGE, WHOLE)
        .mul(y)
        .sum();
    const gradient = tf.grad(look)(x);
    expect(gradient.mul(x).sum().dataSync()[0]).toBeCloseTo(look(x).dataSync()[0]!, 3);
    expect(gradient.abs().max().dataSync()[0]).toBeGreaterThan(0.1);
  });
});
