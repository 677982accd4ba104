/**
 * The format that sums of the reduction tree are rounded to and sent in. Every node of the tree is rounded, also a micro-batch's
 * own gradient, whether or not it will be sent. So everything that is sent is sent without loss, and the result does not depend
 * on where the tree is cut, that is on the number of workers. Nothing is carried from one step to the next (ADR 10).
 */
import type { GradientFormatName } from '@facet/shared';
import { bf16 } from './bf16.js';
import { bytesOf, type TreeNode } from './codec.js';
import { fp16 } from './fp16.js';
import { createInt8 } from './int8.js';

export interface GradientFormat {
  readonly name: GradientFormatName;
  /** A gradient may be cut only at multiples of this number of elements, counted from its first one. */
  readonly alignment: number;
  /** Whether values travel as they are in memory, so that they are not encoded. */
  readonly isPlain: boolean;
  /** Number of elements to round before the event loop gets its turn: a few milliseconds; a multiple of the alignment. */
  readonly turnElements: number;
  /**
   * Rounds the sum at a node in place; rounding twice changes nothing more.
   *
   * @param start where the values begin in the gradient, a multiple of the alignment
   */
  round(values: Float32Array, start: number, node: TreeNode): void;
  /** Bytes of so many elements from `start` on. */
  encodedBytes(start: number, count: number): number;
  /** Writes rounded values; `bytes` has just their length. */
  encode(values: Float32Array, start: number, bytes: Uint8Array): void;
  /** The reverse, exactly. */
  decode(bytes: Uint8Array, start: number, values: Float32Array): void;
}

export interface GradientFormatOptions {
  readonly name: GradientFormatName;
  /** Elements from here on are never rounded: the accounting of samples, which must be exact. */
  readonly exactFrom: number;
  /** The run's; `int8` draws from it. */
  readonly seed: number;
}

/** Rounded in about 10 ms by the slowest of the loops, that of int8 in JavaScript. */
const TURN_ELEMENTS = 1024 * 1024;

const FP32: GradientFormat = {
  name: 'fp32',
  alignment: 1,
  isPlain: true,
  turnElements: Number.POSITIVE_INFINITY,
  round: () => undefined,
  encodedBytes: (_start, count) => count * Float32Array.BYTES_PER_ELEMENT,
  encode(values, _start, bytes) {
    bytes.set(bytesOf(values));
  },
  decode(bytes, _start, values) {
    bytesOf(values).set(bytes);
  },
};

/** The format of a run's gradients. */
export function gradientFormat({ name, exactFrom, seed }: GradientFormatOptions): GradientFormat {
  if (name === 'fp32') return FP32;
  const codec = { bf16, fp16, int8: createInt8(seed) }[name];
  /** How many of some elements are rounded: the first so many. */
  const rounded = (start: number, count: number): number => Math.max(0, Math.min(count, exactFrom - start));
  return {
    name,
    alignment: codec.block,
    isPlain: false,
    turnElements: TURN_ELEMENTS,
    round(values, start, node) {
      codec.round(values.subarray(0, rounded(start, values.length)), start, node);
    },
    encodedBytes(start, count) {
      const lossy = rounded(start, count);
      return codec.bytesOf(lossy) + FP32.encodedBytes(start, count - lossy);
    },
    encode(values, start, bytes) {
      const lossy = rounded(start, values.length);
      codec.encode(values.subarray(0, lossy), bytes);
      FP32.encode(values.subarray(lossy), start, bytes.subarray(codec.bytesOf(lossy)));
    },
    decode(bytes, start, values) {
      const lossy = rounded(start, values.length);
      codec.decode(bytes, values.subarray(0, lossy));
      FP32.decode(bytes.subarray(codec.bytesOf(lossy)), start, values.subarray(lossy));
    },
  };
}
