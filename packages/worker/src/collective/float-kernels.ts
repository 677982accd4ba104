/**
 * The two loops that an all-reduce spends its own time in, as WebAssembly SIMD: adding float32 arrays and a checksum. Both go through
 * blocks of scratch memory that stay in the cache; with the copies that costs a third of the same loop in JavaScript, and the
 * checksum a third of zlib's CRC-32 (ADR 8). The sums have the same bits: adding in double precision and rounding once is float32 addition.
 */
import { assembleFloatModule, PRIME, ROTATION, STRIDE } from './float-module.js';

const BLOCK_BYTES = 32 * 1024;
const BLOCK_ELEMENTS = BLOCK_BYTES / Float32Array.BYTES_PER_ELEMENT;
const LEFT = STRIDE;
const RIGHT = LEFT + BLOCK_BYTES;
const LANES = STRIDE / Uint32Array.BYTES_PER_ELEMENT;

interface Kernels {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** left += right over so many bytes, a multiple of STRIDE. */
  add(left: number, right: number, bytes: number): void;
  /** Takes so many bytes, a multiple of STRIDE, into the state at address 0. */
  absorb(at: number, bytes: number): void;
}

const kernels = instantiate();
const state = new Uint32Array(kernels.memory.buffer, 0, LANES);
const leftFloats = new Float32Array(kernels.memory.buffer, LEFT, BLOCK_ELEMENTS);
const rightFloats = new Float32Array(kernels.memory.buffer, RIGHT, BLOCK_ELEMENTS);
const leftBytes = new Uint8Array(kernels.memory.buffer, LEFT, BLOCK_BYTES);
const INITIAL_STATE = Uint32Array.from({ length: LANES }, (_, lane) => Math.imul(lane + 1, PRIME));

/** target = left + right, element by element, rounded to float32; target may be one of the two. */
export function addFloats(target: Float32Array, left: Float32Array, right: Float32Array): void {
  for (let at = 0; at < target.length; at += BLOCK_ELEMENTS) {
    const count = Math.min(BLOCK_ELEMENTS, target.length - at);
    leftFloats.set(left.subarray(at, at + count));
    rightFloats.set(right.subarray(at, at + count));
    kernels.add(LEFT, RIGHT, padded(count * Float32Array.BYTES_PER_ELEMENT));
    target.set(leftFloats.subarray(0, count), at);
  }
}

/**
 * A 32-bit checksum: sixteen lanes of rotate((lane ^ word) * prime), folded into one. Every step is a bijection, so a change within one
 * aligned word is always noticed, and any other but once in 2^32. It guards against damage, not against an adversary.
 */
export function checksum(bytes: Uint8Array): number {
  state.set(INITIAL_STATE);
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const count = Math.min(BLOCK_BYTES, bytes.length - at);
    leftBytes.set(bytes.subarray(at, at + count));
    leftBytes.fill(0, count, padded(count));
    kernels.absorb(LEFT, padded(count));
  }
  return state.reduce((hash, lane) => mixed(hash, lane), bytes.length) >>> 0;
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, PRIME);
  return (product << ROTATION) | (product >>> (32 - ROTATION));
}

function padded(bytes: number): number {
  return Math.ceil(bytes / STRIDE) * STRIDE;
}

function instantiate(): Kernels {
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: {
      Module: new (bytes: Uint8Array) => object;
      Instance: new (module: object) => { exports: unknown };
    };
  };
  return new WebAssembly.Instance(new WebAssembly.Module(assembleFloatModule(RIGHT + BLOCK_BYTES))).exports as Kernels;
}
