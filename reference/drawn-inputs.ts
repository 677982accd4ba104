/** Inputs that are drawn and not stored; `reference/python/facet_reference/model_cases.py` draws the same. */
import { randomKey, randomStream, type ParameterLayout } from '@facet/shared';

/** Weights away from the start, where zeros would hide parts of a gradient. */
export function drawnWeights(layout: readonly ParameterLayout[], number: number): Float32Array {
  const stream = randomStream(randomKey('simulation', number, 0));
  return Float32Array.from(
    layout.flatMap(({ name, length }) => {
      const start = name.endsWith('.gain') ? 1 : 0;
      return Array.from({ length }, () => 0.6 * (stream.nextUniform() - 0.5) + start);
    }),
  );
}

/** So many pixels, in [0, 1). */
export function drawnPixels(count: number, number: number): Float32Array {
  const stream = randomStream(randomKey('simulation', number, 1));
  return Float32Array.from({ length: count }, () => stream.nextUniform());
}
