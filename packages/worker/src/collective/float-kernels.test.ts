import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { addFloats, checksum } from './float-kernels.js';

/** A reference in plain JavaScript, one word at a time. */
function plainChecksum(bytes: Uint8Array): number {
  const prime = 0x9e3779b1;
  const mix = (hash: number, word: number): number => {
    const product = Math.imul(hash ^ word, prime);
    return (product << 15) | (product >>> 17);
  };
  const padded = Buffer.concat([bytes, Buffer.alloc(-bytes.length & 63)]);
  const lanes = Array.from({ length: 16 }, (_, lane) => Math.imul(lane + 1, prime));
  for (let word = 0; word < padded.length / 4; word++) {
    lanes[word % 16] = mix(lanes[word % 16]!, padded.readUInt32LE(word * 4));
  }
  return lanes.reduce(mix, bytes.length) >>> 0;
}

describe('adding floats', () => {
  it('has the bits of JavaScript, for any length and for infinities, subnormals and signed zeros', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.float(), fc.float()), { maxLength: 200 }), (pairs) => {
        const left = Float32Array.from(pairs, ([value]) => value);
        const right = Float32Array.from(pairs, ([, value]) => value);
        const expected = left.map((value, i) => value + right[i]!);
        const target = new Float32Array(left.length);
        addFloats(target, left, right);
        expect(target).toEqual(expected);
      }),
    );
  });

  it('goes on over the edges of its blocks, also when the target is an operand', () => {
    for (const length of [8_191, 8_192, 8_193, 50_000]) {
      const left = Float32Array.from({ length }, (_, i) => Math.sin(i) * 1e5);
      const right = Float32Array.from({ length }, (_, i) => Math.cos(i));
      const expected = left.map((value, i) => value + right[i]!);
      addFloats(left, left, right);
      expect(Buffer.from(left.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
    }
  });
});

describe('the checksum', () => {
  it('is the one in docs/protocol.md, for any length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(checksum(bytes)).toBe(plainChecksum(bytes));
      }),
    );
    const long = Uint8Array.from({ length: 100_003 }, (_, i) => i * 7);
    expect(checksum(long)).toBe(plainChecksum(long));
  });

  it('changes with every flipped bit, a swapped pair of words and a missing zero at the end', () => {
    const bytes = Uint8Array.from({ length: 40_000 }, (_, i) => (i * i) % 251);
    const before = checksum(bytes);
    for (const at of [0, 1, 63, 64, 32_767, 32_768, 39_999]) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = Uint8Array.from(bytes);
        damaged[at]! ^= 1 << bit;
        expect(checksum(damaged)).not.toBe(before);
      }
    }
    const swapped = Uint8Array.from(bytes);
    swapped.copyWithin(0, 64, 68);
    swapped.set(bytes.subarray(0, 4), 64);
    expect(checksum(swapped)).not.toBe(before);
    expect(checksum(new Uint8Array(8))).not.toBe(checksum(new Uint8Array(7)));
  });
});
