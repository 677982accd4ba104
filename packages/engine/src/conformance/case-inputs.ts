/**
 * Inputs for the cases of the conformance suite, drawn from one stream with a fixed key.
 */
import { randomKey, randomStream } from '@facet/shared';
import { elementCount } from '@facet/compiler';
import type { CaseInput, OpCase } from './op-case.js';

const stream = randomStream(randomKey('initialisation', 20));

export function input(shape: readonly number[], numberAt: (index: number) => number): CaseInput {
  const values = Array.from({ length: elementCount(shape) }, (_, i) => Math.fround(numberAt(i)));
  return { shape, dtype: 'float32', values, isVariable: true };
}

/** Numbers in [-1.5, 1.5). */
export const real = (...shape: number[]): CaseInput => input(shape, () => stream.nextUniform() * 3 - 1.5);

/** Numbers in [0.5, 2). */
export const positive = (...shape: number[]): CaseInput => input(shape, () => stream.nextUniform() * 1.5 + 0.5);

/** Numbers of both signs that are at least 0.1 away from zero and from each other. */
export function apart(...shape: number[]): CaseInput {
  const count = elementCount(shape);
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = stream.nextBelow(i + 1);
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return input(shape, (i) => (order[i]! - Math.floor(count / 2)) * 0.2 + 0.1);
}

/** An input without a gradient. */
export const fixed = (variable: CaseInput): CaseInput => ({ ...variable, isVariable: false });

export const numbers = (shape: readonly number[], values: readonly number[]): CaseInput =>
  fixed(input(shape, (i) => values[i]!));

export const integers = (...values: number[]): CaseInput => ({
  shape: [values.length],
  dtype: 'int32',
  values,
  isVariable: false,
});

export function opCase(name: string, inputs: readonly CaseInput[], compute: OpCase['compute']): OpCase {
  return { name, inputs, compute };
}
