/**
 * The plasma fractal by the diamond-square algorithm (Fournier, Fussell and Carpenter 1982), on a torus: clouds whose
 * roughness falls by a fixed factor from scale to scale.
 */
import type { RandomStream } from '@facet/shared';
import type { Plane } from './picture.js';

const START_ROUGHNESS = 100;

/**
 * A field of the given side, which must be a power of two, stretched to [0, 1].
 *
 * @param decay what the roughness is divided by at each finer scale; smaller is rougher
 */
export function plasma(side: number, decay: number, stream: RandomStream): Plane {
  const values = new Float32Array(side * side);
  const at = (row: number, column: number): number => ((row + side) % side) * side + ((column + side) % side);
  let roughness = START_ROUGHNESS;
  for (let step = side; step >= 2; step /= 2) {
    const half = step / 2;
    // The published code squares the roughness: it is factor and range at once.
    const meanOf = (a: number, b: number, c: number, d: number): number =>
      (values[a]! + values[b]! + values[c]! + values[d]!) / 4 + roughness ** 2 * (2 * stream.nextUniform() - 1);
    for (let row = 0; row < side; row += step) {
      for (let column = 0; column < side; column += step) {
        values[at(row + half, column + half)] = meanOf(
          at(row, column),
          at(row, column + step),
          at(row + step, column),
          at(row + step, column + step),
        );
      }
    }
    for (let row = 0; row < side; row += half) {
      for (let column = row % step === 0 ? half : 0; column < side; column += step) {
        values[at(row, column)] = meanOf(
          at(row - half, column),
          at(row + half, column),
          at(row, column - half),
          at(row, column + half),
        );
      }
    }
    roughness /= decay;
  }
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of values) [lowest, highest] = [Math.min(lowest, value), Math.max(highest, value)];
  return { height: side, width: side, values: values.map((value) => (value - lowest) / (highest - lowest)) };
}
