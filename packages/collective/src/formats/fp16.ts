/**
 * IEEE 754 binary16: 11 bits of precision, from 6e-8 to 65,504. Rounds to nearest, ties to even; what is finite stays finite: it ends at
 * the largest number. Small values lose precision below 6e-5, where bfloat16 does not.
 */
import type { Kernels } from '../float-memory.js';
import { byKernels, halvesOf, wordsOf, type Codec } from './codec.js';
import { FP16, INFINITY_BITS, SIZE_BITS } from './float-bits.js';

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
      const size = word & SIZE_BITS;
      if (size < FP16.smallestNormal) {
        values[i] = Math.fround(values[i]! + FP16.subnormalGrid) - FP16.subnormalGrid;
      } else if (size < INFINITY_BITS) {
        const near = ((word + 0xfff + ((word >>> FP16.mantissaShift) & 1)) | 0) & ~0x1fff;
        words[i] = (near & SIZE_BITS) > FP16.largest ? (word & ~SIZE_BITS) | FP16.largest : near;
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
      if (size < 0x400) values[i] = (half & 0x8000 ? -size : size) * FP16.subnormalUnit;
      else if (size >= FP16.infinite)
        values[i] = size > FP16.infinite ? Number.NaN : half & 0x8000 ? -Infinity : Infinity;
      else words[i] = ((half & 0x8000) << 16) | ((size << FP16.mantissaShift) + FP16.rebias);
    }
  },
};

function halfOf(value: number, word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const size = word & SIZE_BITS;
  if (size < FP16.smallestNormal) return sign | (Math.abs(value) / FP16.subnormalUnit);
  if (size < INFINITY_BITS) return sign | ((size - FP16.rebias) >> FP16.mantissaShift);
  return size === INFINITY_BITS ? sign | FP16.infinite : FP16.notANumber;
}
