import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeShardMessage, encodeShardMessage, type ShardMessage } from './shard-message.js';

/** `npm run bench -- fuzz` multiplies the cases. */
const SCALE = Number(process.env['FACET_FUZZ_SCALE'] ?? 1);

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

const message: fc.Arbitrary<ShardMessage> = fc
  .record({
    kind: fc.constantFrom('train' as const, 'evaluate' as const),
    generation: uint32,
    epoch: uint32,
    step: uint32,
    index: uint32,
    ids: fc.uint32Array({ minLength: 1, maxLength: 20 }),
    bytesPerSample: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
  })
  .map(({ bytesPerSample, ...rest }) => {
    if (bytesPerSample === undefined) return rest;
    const count = rest.ids.length;
    const samples = Uint8Array.from({ length: count * bytesPerSample }, (_, i) => (i * 31) % 256);
    return { ...rest, samples };
  });

describe('a shard message', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(message, (original) => {
        expect(decodeShardMessage(encodeShardMessage(original))).toEqual(original);
      }),
    );
  });

  it('is refused when any bit of it is flipped', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.integer({ min: 0, max: 7 }), (original, at, bit) => {
        const bytes = encodeShardMessage(original);
        bytes[at % bytes.length]! ^= 1 << bit;
        expect(() => decodeShardMessage(bytes)).toThrow(/shard message/);
      }),
    );
  });

  it('is refused when it is cut or has bytes behind it', () => {
    fc.assert(
      fc.property(message, fc.nat(), (original, cut) => {
        const bytes = encodeShardMessage(original);
        expect(() => decodeShardMessage(bytes.subarray(0, cut % bytes.length))).toThrow(/shard message/);
        const longer = new Uint8Array(bytes.length + 1);
        longer.set(bytes);
        expect(() => decodeShardMessage(longer)).toThrow(/shard message/);
      }),
    );
  });

  it('never crashes on noise, and never allocates for a count that it does not carry', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(() => decodeShardMessage(noise)).toThrow(/shard message/);
      }),
      { numRuns: 2_500 * SCALE },
    );
  });
});
