/** The arithmetic of one lossy format. All its values may be rounded. */
import { kernelsAt, type Kernels } from '../float-memory.js';
import { FORMAT_STRIDE } from '../float-module.js';
import type { Subtree } from '../schedule/reduction-tree.js';

/** A node of the tree of one step. */
export interface TreeNode extends Subtree {
  readonly step: number;
}

export interface Codec {
  /** Number of elements that share an exponent and must stay together. */
  readonly block: number;
  readonly bytesOf: (count: number) => number;
  /** Rounds in place; `start` is where the values begin in the gradient, a multiple of the block. */
  readonly round: (values: Float32Array, start: number, node: TreeNode) => void;
  /** Writes rounded values at the start of some bytes, which lie at an even address; there may be room for more. */
  readonly encode: (values: Float32Array, bytes: Uint8Array) => void;
  readonly decode: (bytes: Uint8Array, values: Float32Array) => void;
}

/** The bits of float32 values, in the same memory; signed, because that is what JavaScript computes fast with. */
export function wordsOf(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}

/** The first so many 16-bit words of some bytes, in the same memory. Little-endian, as every machine here and the wire. */
export function halvesOf(bytes: Uint8Array, count: number): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, count);
}

/** The bytes of float32 values, in the same memory. */
export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Lets the kernels do the first part of some values, if they reach them.
 *
 * @param run does so many bytes of the values, a multiple of the stride
 * @param bytes what else they must reach
 * @returns how many values they did; the rest is left to the caller
 */
export function byKernels(
  values: Float32Array,
  run: (kernels: Kernels, length: number) => void,
  { bytes, stride = FORMAT_STRIDE }: { readonly bytes?: Uint8Array; readonly stride?: number } = {},
): number {
  const kernels = kernelsAt(values);
  const length = values.byteLength - (values.byteLength % stride);
  if (kernels === undefined || length === 0) return 0;
  if (bytes !== undefined && kernelsAt(bytes) !== kernels) return 0;
  run(kernels, length);
  return length / Float32Array.BYTES_PER_ELEMENT;
}
