/** bfloat16: the upper half of a float32, 8 bits of precision and the whole range. Rounds to nearest, ties to even. */
import type { Kernels } from '../float-memory.js';
import { byKernels, halvesOf, wordsOf, type Codec } from './codec.js';
import { BF16, INFINITY_BITS, SIZE_BITS } from './float-bits.js';

export const bf16: Codec = {
  block: 1,
  bytesOf: (count) => 2 * count,
  round(values) {
    const words = wordsOf(values);
    const round = (kernels: Kernels, length: number): void => {
      kernels.roundBf16(values.byteOffset, length);
    };
    for (let i = byKernels(values, round); i < words.length; i++) {
      const word = words[i]!;
      // Adding to a NaN could make it infinite, or the other way round.
      const isNaN = (word & SIZE_BITS) > INFINITY_BITS;
      words[i] = (isNaN ? word | BF16.quiet : (word + BF16.half + ((word >>> 16) & 1)) | 0) & BF16.upper;
    }
  },
  encode(values, bytes) {
    const words = wordsOf(values);
    const halves = halvesOf(bytes, words.length);
    const encode = (kernels: Kernels, length: number): void => {
      kernels.encodeBf16(values.byteOffset, bytes.byteOffset, length);
    };
    for (let i = byKernels(values, encode, { bytes }); i < words.length; i++) halves[i] = words[i]! >>> 16;
  },
  decode(bytes, values) {
    const words = wordsOf(values);
    const halves = halvesOf(bytes, words.length);
    const decode = (kernels: Kernels, length: number): void => {
      kernels.decodeBf16(bytes.byteOffset, values.byteOffset, length);
    };
    for (let i = byKernels(values, decode, { bytes }); i < words.length; i++) words[i] = halves[i]! << 16;
  },
};
