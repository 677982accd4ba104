/**
 * Row-major arrays of float64 numbers with a shape: what the reference interpreter computes on. Elements are reached by
 * their coordinates, which is slow and leaves little to get wrong.
 */
import { elementCount, type Constant, type DType } from './program.js';

export interface RealArray {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** An array whose element at each position is what `at` says. The position is reused: read it, do not keep it. */
export function fillArray(shape: readonly number[], at: (position: readonly number[]) => number): RealArray {
  const values = new Float64Array(elementCount(shape));
  const position = shape.map(() => 0);
  for (let i = 0; i < values.length; i++) {
    values[i] = at(position);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++position[axis]! < shape[axis]!) break;
      position[axis] = 0;
    }
  }
  return { shape, values };
}

/**
 * The element at a position of an array that the array broadcasts to: axes are aligned at the end, missing ones are
 * left out, and an axis of size 1 is read at 0.
 */
export function elementAt({ shape, values }: RealArray, position: readonly number[]): number {
  const skipped = position.length - shape.length;
  const index = shape.reduce((sum, size, axis) => sum * size + (size === 1 ? 0 : position[axis + skipped]!), 0);
  return values[index]!;
}

/** A constant of a program as an array. */
export function constantArray(constant: Constant, shape: readonly number[]): RealArray {
  const values =
    constant.kind === 'fill'
      ? new Float64Array(elementCount(shape)).fill(constant.value)
      : Float64Array.from(constant.values);
  return { shape, values };
}

/** How exact float32 values are kept: as they were computed, or rounded to what an engine can hold. */
export type Precision = 'float64' | 'float32';

/** An array in a precision; integers and booleans are exact in both. */
export function roundArray(array: RealArray, dtype: DType, precision: Precision): RealArray {
  if (precision === 'float64' || dtype !== 'float32') return array;
  return { shape: array.shape, values: array.values.map(Math.fround) };
}
