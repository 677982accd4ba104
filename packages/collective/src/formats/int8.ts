/**
 * Integers of 8 bits times a power of two that 256 neighbours share. It rounds up or down at random, with odds that keep the
 * mean (Gupta et al. 2015). Rounding to nearest would lose every value below half a unit of its block. The draws are a function
 * of seed, step, node and element, so every worker rounds alike. With powers of two, rounding again changes nothing.
 */
import { randomKey } from '@facet/shared';
import type { Kernels } from '../float-memory.js';
import { byKernels, wordsOf, type Codec } from './codec.js';
import { INT8, SIZE_BITS } from './float-bits.js';

const { block: BLOCK } = INT8;
const BLOCK_BYTES = BLOCK * Float32Array.BYTES_PER_ELEMENT;

/** Makes the codec of a run. */
export function createInt8(seed: number): Codec {
  return {
    block: BLOCK,
    bytesOf: (count) => count + Math.ceil(count / BLOCK),
    round(values, start, { step, level, index }) {
      const key = randomKey('rounding', seed, step, level, index);
      const round = (kernels: Kernels, length: number): void => {
        kernels.roundInt8(values.byteOffset, length, start, key);
      };
      for (let at = byKernels(values, round, { stride: BLOCK_BYTES }); at < values.length; at += BLOCK) {
        const block = values.subarray(at, at + BLOCK);
        const exponent = exponentOf(block);
        if (exponent === undefined) block.fill(Number.NaN);
        else roundBlock(block, 2 ** exponent, key, start + at);
      }
    },
    encode(values, bytes) {
      const encode = (kernels: Kernels, length: number): void => {
        kernels.encodeInt8(values.byteOffset, bytes.byteOffset, length);
      };
      const done = byKernels(values, encode, { bytes, stride: BLOCK_BYTES });
      for (let at = done, to = done + done / BLOCK; at < values.length; at += BLOCK) {
        const block = values.subarray(at, at + BLOCK);
        const exponent = exponentOf(block);
        bytes[to++] = exponent === undefined ? INT8.notFinite : exponent - INT8.smallestExponent;
        const inverse = 2 ** -(exponent ?? 0);
        for (let i = 0; i < block.length; i++) bytes[to++] = block[i]! * inverse;
      }
    },
    decode(bytes, values) {
      const decode = (kernels: Kernels, length: number): void => {
        kernels.decodeInt8(bytes.byteOffset, values.byteOffset, length);
      };
      const done = byKernels(values, decode, { bytes, stride: BLOCK_BYTES });
      for (let at = done, from = done + done / BLOCK; at < values.length; at += BLOCK) {
        const block = values.subarray(at, at + BLOCK);
        const byte = bytes[from++]!;
        const unit = byte === INT8.notFinite ? Number.NaN : 2 ** (byte + INT8.smallestExponent);
        for (let i = 0; i < block.length; i++) block[i] = ((bytes[from++]! << 24) >> 24) * unit;
      }
    },
  };
}

/** The smallest exponent with which every value of a block is at most 127 units; undefined when one is not finite. */
function exponentOf(block: Float32Array): number | undefined {
  const words = wordsOf(block);
  let largest = 0;
  // Without their sign, float32 values are in the order of their bits.
  for (let i = 0; i < words.length; i++) largest = Math.max(largest, words[i]! & SIZE_BITS);
  if (largest > INT8.largest) return undefined;
  const fits = (largest & 0x7fffff) <= INT8.fittingMantissa;
  return Math.max(INT8.smallestExponent, (largest >>> 23) - 127 - (fits ? 6 : 5));
}

function roundBlock(block: Float32Array, unit: number, key: number, start: number): void {
  const inverse = 1 / unit;
  for (let i = 0; i < block.length; i++) {
    let hash = Math.imul((start + i) ^ key, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    const draw = ((hash ^ (hash >>> 13)) >>> 8) * 2 ** -24;
    const units = Math.fround(block[i]! * inverse);
    const whole = Math.floor(units);
    // Every step is rounded as float32 is, so that the kernels come to the same. No draw takes 127 units any further.
    block[i] = (whole + (Math.fround(units - whole) >= 1 - draw ? 1 : 0)) * unit;
  }
}
