/**
 * The two loops in which an all-reduce spends its time, as WebAssembly SIMD: adding float32 arrays, and a checksum. Values in a
 * FloatMemory are processed in place. Others go through blocks of scratch memory that fit the cache. The sums have the same
 * bits as in JavaScript, because adding in double precision and rounding once is float32 addition.
 */
import { BLOCK_BYTES, createKernels, kernelsAt, padded, type Kernels } from './float-memory.js';
import { LANES, PRIME, ROTATION, STRIDE } from './float-module.js';

const ELEMENT_BYTES = Float32Array.BYTES_PER_ELEMENT;
const BLOCK_ELEMENTS = BLOCK_BYTES / ELEMENT_BYTES;
const INITIAL_STATE = Uint32Array.from({ length: LANES }, (_, lane) => Math.imul(lane + 1, PRIME));

const elsewhere = createKernels().kernels;

/** target = left + right, element by element, rounded to float32; target may be one of the two. */
export function addFloats(target: Float32Array, left: Float32Array, right: Float32Array): void {
  const kernels = kernelsAt(target);
  const isHere = kernels !== undefined && kernels === kernelsAt(left) && kernels === kernelsAt(right);
  const whole = isHere ? wholeStrides(target.byteLength) : 0;
  if (whole > 0) kernels!.add(target.byteOffset, left.byteOffset, right.byteOffset, whole);
  addThroughScratch(kernels ?? elsewhere, target, left, right, whole / ELEMENT_BYTES);
}

function addThroughScratch(
  { scratch, add }: Kernels,
  target: Float32Array,
  left: Float32Array,
  right: Float32Array,
  from: number,
): void {
  for (let at = from; at < target.length; at += BLOCK_ELEMENTS) {
    const count = Math.min(BLOCK_ELEMENTS, target.length - at);
    scratch.left.set(left.subarray(at, at + count));
    scratch.right.set(right.subarray(at, at + count));
    const { byteOffset } = scratch.left;
    add(byteOffset, byteOffset, scratch.right.byteOffset, padded(count * ELEMENT_BYTES));
    target.set(scratch.left.subarray(0, count), at);
  }
}

/**
 * A 32-bit checksum: lanes of (rotate(lane ^ word) ^ next word) * prime, folded into one. Every step is a bijection of the lane and of either word,
 * so a change within one aligned word is always noticed, and any other but once in 2^32. It guards against damage, not against an adversary.
 */
export function checksum(bytes: Uint8Array): number {
  const here = kernelsAt(bytes);
  const { scratch, absorb } = here ?? elsewhere;
  const block = new Uint8Array(scratch.left.buffer, scratch.left.byteOffset, BLOCK_BYTES);
  scratch.state.set(INITIAL_STATE);
  const whole = here === undefined ? 0 : wholeStrides(bytes.length);
  if (whole > 0) absorb(bytes.byteOffset, whole);
  for (let at = whole; at < bytes.length; at += BLOCK_BYTES) {
    const count = Math.min(BLOCK_BYTES, bytes.length - at);
    block.set(bytes.subarray(at, at + count));
    block.fill(0, count, padded(count));
    absorb(block.byteOffset, padded(count));
  }
  return scratch.state.reduce((hash, lane) => mixed(hash, lane), bytes.length) >>> 0;
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, PRIME);
  return (product << ROTATION) | (product >>> (32 - ROTATION));
}

function wholeStrides(bytes: number): number {
  return bytes - (bytes % STRIDE);
}
