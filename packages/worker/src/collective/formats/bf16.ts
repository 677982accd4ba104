/** bfloat16: the upper half of a float32, 8 bits of precision and the whole range. Rounds to nearest, ties to even. */
import { halvesOf, wordsOf, type Codec } from './codec.js';

const HALF = 0x7fff;
const UPPER = 0xffff0000 | 0;
const INFINITY_BITS = 0x7f800000;
const QUIET = 0x400000;

export const bf16: Codec = {
  block: 1,
  bytesOf: (count) => 2 * count,
  turnElements: 1024 * 1024,
  round(values) {
    const words = wordsOf(values);
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      // Adding to a NaN could make it infinite, or the other way round.
      const isNaN = (word & 0x7fffffff) > INFINITY_BITS;
      words[i] = (isNaN ? word | QUIET : (word + HALF + ((word >>> 16) & 1)) | 0) & UPPER;
    }
  },
  encode(values, bytes) {
    const words = wordsOf(values);
    const halves = halvesOf(bytes, words.length);
    for (let i = 0; i < words.length; i++) halves[i] = words[i]! >>> 16;
  },
  decode(bytes, values) {
    const words = wordsOf(values);
    const halves = halvesOf(bytes, words.length);
    for (let i = 0; i < words.length; i++) words[i] = halves[i]! << 16;
  },
};
