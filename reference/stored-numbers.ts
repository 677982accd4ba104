/**
 * The stored numbers of reference/numbers, and how far ours may be from them. Python made them (reference/python); what
 * stands here only reads.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { decodeSafetensors, type TensorValues } from '@facet/shared';

const FOLDER = new URL('numbers/', import.meta.url);

/** The path of a stored file. */
export function storedFile(name: string): string {
  return fileURLToPath(new URL(name, FOLDER));
}

/** The content of NAME.json. */
export function storedNumbers<T>(name: string): T {
  return JSON.parse(readFileSync(storedFile(`${name}.json`), 'utf8')) as T;
}

/** The tensors of NAME.safetensors, flat, by name. */
export function storedTensors(name: string): ReadonlyMap<string, TensorValues> {
  const { tensors } = decodeSafetensors(new Uint8Array(readFileSync(storedFile(`${name}.safetensors`))));
  return new Map([...tensors].map(([key, { values }]) => [key, values]));
}

/** Fails unless every number is within a share of the largest expected one; names the first that is not. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, share: number, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]!));
  for (let i = 0; i < expected.length; i++) {
    // Written so that a NaN fails.
    if (Math.abs(actual[i]! - expected[i]!) <= share * Math.max(largest, 1e-6)) continue;
    expect.fail(`${what}: element ${i} is ${actual[i]}, expected ${expected[i]} within ${share} of ${largest}`);
  }
}
