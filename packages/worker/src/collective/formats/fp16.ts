/**
 * IEEE 754 binary16: 11 bits of precision, from 6e-8 to 65,504. Rounds to nearest, ties to even; what is finite stays finite: it ends at
 * the largest number. Small values lose precision below 6e-5, where bfloat16 does not.
 */
import type { Kernels } from '../float-memory.js';
import { byKernels, halvesOf, wordsOf, type Codec } from './codec.js';

/** Of a float32's bits, all but the sign: in the order of the values. */
const SIZE = 0x7fffffff;
const INFINITY = 0x7f800000;
/** 65,504. */
const LARGEST = 0x477fe000;
/** 2^-14. */
const SMALLEST_NORMAL = 0x38800000;
/** Its float32 neighbours are one binary16 subnormal apart, so adding it rounds to them. */
const SUBNORMAL_GRID = 0.75;
const SUBNORMAL_UNIT = 2 ** -24;
const MANTISSA_SHIFT = 13;
/** 127 - 15, the difference of the exponents' biases, where float32 has it. */
const REBIAS = 112 << 23;
const INFINITE = 0x7c00;
const NOT_A_NUMBER = 0x7e00;

export const fp16: Codec = {
  block: 1,
  bytesOf: (count) => 2 * count,
  round(values) {
    const words = wordsOf(values);
    const round = (kernels: Kernels, length: number): void => {
      kernels.roundFp16(values.byteOffset, length);
    };
    for (let i = byKernels(values, round); i < words.length; i++) {
      const word = words[i]!;
      const size = word & SIZE;
      if (size < SMALLEST_NORMAL) {
        values[i] = Math.fround(values[i]! + SUBNORMAL_GRID) - SUBNORMAL_GRID;
      } else if (size < INFINITY) {
        const near = ((word + 0xfff + ((word >>> MANTISSA_SHIFT) & 1)) | 0) & ~0x1fff;
        words[i] = (near & SIZE) > LARGEST ? (word & ~SIZE) | LARGEST : near;
      }
    }
  },
  encode(values, bytes) {
    const words = wordsOf(values);
    const halves = halvesOf(bytes, words.length);
    const encode = (kernels: Kernels, length: number): void => {
      kernels.encodeFp16(values.byteOffset, bytes.byteOffset, length);
    };
    for (let i = byKernels(values, encode, { bytes }); i < words.length; i++) halves[i] = halfOf(values[i]!, words[i]!);
  },
  decode(bytes, values) {
    const words = wordsOf(values);
    const halves = halvesOf(bytes, words.length);
    const decode = (kernels: Kernels, length: number): void => {
      kernels.decodeFp16(bytes.byteOffset, values.byteOffset, length);
    };
    for (let i = byKernels(values, decode, { bytes }); i < words.length; i++) {
      const half = halves[i]!;
      const size = half & 0x7fff;
      if (size < 0x400) values[i] = (half & 0x8000 ? -size : size) * SUBNORMAL_UNIT;
      else if (size >= INFINITE) values[i] = size > INFINITE ? Number.NaN : half & 0x8000 ? -Infinity : Infinity;
      else words[i] = ((half & 0x8000) << 16) | ((size << MANTISSA_SHIFT) + REBIAS);
    }
  },
};

function halfOf(value: number, word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const size = word & SIZE;
  if (size < SMALLEST_NORMAL) return sign | (Math.abs(value) / SUBNORMAL_UNIT);
  if (size < INFINITY) return sign | ((size - REBIAS) >> MANTISSA_SHIFT);
  return size === INFINITY ? sign | INFINITE : NOT_A_NUMBER;
}
