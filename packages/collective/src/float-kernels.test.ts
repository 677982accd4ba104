import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { addFloats, checksum } from './float-kernels.js';
import { bytesOf } from './formats/codec.js';
import { createFloatMemory, kernelsAt, ORDINARY_MEMORY } from './float-memory.js';

/** A reference in plain JavaScript, one word at a time. */
function plainChecksum(bytes: Uint8Array): number {
  const prime = 0x9e3779b1;
  const rotate = (word: number): number => (word << 15) | (word >>> 17);
  const padded = Buffer.concat([bytes, Buffer.alloc(-bytes.length & 255)]);
  const lanes = Array.from({ length: 32 }, (_, lane) => Math.imul(lane + 1, prime));
  for (let start = 0; start < padded.length; start += 256) {
    const word = (index: number): number => padded.readInt32LE(start + 4 * index);
    lanes.forEach((state, lane) => {
      lanes[lane] = Math.imul(rotate(state ^ word(lane)) ^ word(32 + lane), prime);
    });
  }
  return lanes.reduce((hash, lane) => rotate(Math.imul(hash ^ lane, prime)), bytes.length) >>> 0;
}

/** Floats in memory of the kernels, and in ordinary memory, from an odd element on. */
const MEMORIES = { 'of the kernels': createFloatMemory(), ordinary: ORDINARY_MEMORY };

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

  it.each(Object.entries(MEMORIES))('goes on over the edges of its blocks, in memory %s', (_, memory) => {
    for (const length of [1, 63, 64, 65, 8_191, 8_192, 8_193, 50_000]) {
      memory.reset();
      const [left, right, other] = [0, 1, 2].map(() => memory.allocate(length + 4).subarray(3, length + 3));
      left!.forEach((_value, i) => (left![i] = Math.sin(i) * 1e5));
      right!.forEach((_value, i) => (right![i] = Math.cos(i)));
      const expected = left!.map((value, i) => value + right![i]!);
      addFloats(other!, left!, right!);
      expect(Buffer.from(other!).equals(Buffer.from(expected))).toBe(true);
      // The target may be an operand; what lies around it stays.
      const around = new Float32Array(left!.buffer, left!.byteOffset - 4, length + 2);
      [around[0], around[length + 1]] = [7, 8];
      addFloats(left!, left!, right!);
      expect([...left!]).toEqual([...expected]);
      expect([around[0], around[length + 1]]).toEqual([7, 8]);
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

  it('is the same of values in memory of the kernels, whose neighbours do not count', () => {
    const memory = createFloatMemory();
    for (const length of [0, 1, 31, 64, 65, 20_001]) {
      const values = memory
        .allocate(length + 2)
        .fill(5)
        .subarray(1, length + 1);
      values.forEach((_, i) => (values[i] = i / 3));
      const copy = Uint8Array.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      expect(checksum(bytesOf(values))).toBe(plainChecksum(copy));
    }
  });

  it('changes with every flipped bit, a swapped pair of words and a missing zero at the end', () => {
    const bytes = Uint8Array.from({ length: 40_000 }, (_, i) => (i * i) % 251);
    const before = checksum(bytes);
    for (const at of [0, 1, 127, 128, 255, 256, 32_767, 32_768, 39_999]) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = Uint8Array.from(bytes);
        damaged[at]! ^= 1 << bit;
        expect(checksum(damaged)).not.toBe(before);
      }
    }
    for (const distance of [4, 128, 256]) {
      const swapped = Uint8Array.from(bytes);
      swapped.copyWithin(0, distance, distance + 4);
      swapped.set(bytes.subarray(0, 4), distance);
      expect(checksum(swapped)).not.toBe(before);
    }
    expect(checksum(new Uint8Array(8))).not.toBe(checksum(new Uint8Array(7)));
  });
});

describe('memory of the kernels', () => {
  it('is known for what it is when another one has grown', () => {
    const [first, second] = [createFloatMemory(), createFloatMemory()];
    second.allocate(1_000_000);
    expect(kernelsAt(first.allocate(10))).toBeDefined();
    expect(kernelsAt(first.allocate(1_000_000))).toBeDefined();
    expect(kernelsAt(second.allocate(10))).not.toBe(kernelsAt(first.allocate(10)));
    expect(kernelsAt(ORDINARY_MEMORY.allocate(10))).toBeUndefined();
  });

  it('keeps what it gave out while it grows, and gives it out again after a reset', () => {
    const memory = createFloatMemory();
    const first = memory.allocate(100_000).fill(1);
    const second = memory.allocate(3_000_000).fill(2);
    expect([first.at(-1), second[0]]).toEqual([1, 2]);
    memory.reset();
    const again = memory.allocate(100_000);
    expect([again.byteOffset, again[5]]).toEqual([first.byteOffset, 1]);
  });
});
