/** Formats of gradients: bf16 and fp16 bit by bit as PyTorch rounds, int8 as a second implementation draws. */
import { expect, it } from 'vitest';
import { gradientFormat } from '../packages/collective/src/formats/gradient-format.js';
import { storedNumbers, storedTensors } from './stored-numbers.js';

const { seed, ...node } = storedNumbers<{ seed: number; step: number; level: number; index: number }>('rounding');
const tensors = storedTensors('rounding');

it.each(['bf16', 'fp16', 'int8'] as const)('%s has the bits of the reference', (name) => {
  const values = Float32Array.from(tensors.get('values')!);
  gradientFormat({ name, exactFrom: values.length, seed }).round(values, 0, node);
  // Adding 0 takes the sign from a zero, which no sum of gradients keeps: fp16 drops it, PyTorch does not.
  const unsigned = (of: ArrayLike<number>): number[] => Array.from(of, (value) => value + 0);
  expect(unsigned(values)).toEqual(unsigned(tensors.get(name)!));
});
