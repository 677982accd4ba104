/** bfloat16: the upper half of a float32, 8 bits of precision and the whole range. Rounds to nearest, ties to even. */
import type { Kernels } from '../float-memory.js';
import { byKernels, halvesOf, wordsOf, type Codec } from './codec.js';

const HALF = 0x7fff;
const UPPER = 0xffff0000 | 0;
const INFINITY_BITS = 0x7f800000;
const QUIET = 0x400000;

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
      const isNaN = (word & 0x7fffffff) > INFINITY_BITS;
      words[i] = (isNaN ? word | QUIET : (word + HALF + ((word >>> 16) & 1)) | 0) & UPPER;
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
