import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allocateField,
  FIELD_TYPES,
  packSamples,
  sampleBytes,
  unpackSamples,
  type SampleFields,
} from './sample-fields.js';

const field = fc.record({
  shape: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
  type: fc.constantFrom(...FIELD_TYPES),
});
const fields: fc.Arbitrary<SampleFields> = fc.dictionary(fc.constantFrom('image', 'label', 'other'), field, {
  minKeys: 1,
  noNullPrototype: true,
});

describe('samples as bytes', () => {
  it('come back as they were, whatever their fields', () => {
    fc.assert(
      fc.property(fields, fc.integer({ min: 1, max: 5 }), (of, count) => {
        const values = Object.fromEntries(
          Object.entries(of).map(([name, one], at) => [name, allocateField(one, count).map((_, i) => i * 7 + at)]),
        );
        const packed = Buffer.concat(packSamples(of, values, count));
        expect(packed.length).toBe(count * sampleBytes(of));
        expect(unpackSamples(of, Uint8Array.from(packed), count)).toEqual(values);
        // As a broker hands them out: somewhere in memory that others use as well.
        const message = Buffer.concat([Buffer.of(1, 2, 3), packed]).subarray(3);
        const got = Object.entries(unpackSamples(of, message, count)).map(([name, found]) => [name, [...found]]);
        expect(Object.fromEntries(got)).toEqual(
          Object.fromEntries(Object.entries(values).map(([name, one]) => [name, [...one]])),
        );
      }),
    );
  });

  it('are little-endian, field after field', () => {
    const of = { label: { shape: [], type: 'uint8' }, at: { shape: [2], type: 'int32' } } as const;
    const packed = Buffer.concat(packSamples(of, { label: Uint8Array.of(7, 8), at: Int32Array.of(1, -1, 256, 2) }, 2));
    expect([...packed]).toEqual([7, 8, 1, 0, 0, 0, 255, 255, 255, 255, 0, 1, 0, 0, 2, 0, 0, 0]);
  });

  it('are refused when they are of other fields, which are named', () => {
    const of = { label: { shape: [], type: 'uint8' }, at: { shape: [2], type: 'float32' } } as const;
    expect(() => unpackSamples(of, new Uint8Array(8), 1)).toThrow(
      '1 samples came in 8 bytes, expected 9: label uint8 [], at float32 [2]',
    );
    expect(() => packSamples(of, { label: Uint8Array.of(1) }, 1)).toThrow(
      'the field at of 1 samples is nothing, expected Float32Array of 2: float32 [2] a sample',
    );
    expect(() => packSamples(of, { label: Int32Array.of(1), at: new Float32Array(2) }, 1)).toThrow(
      'the field label of 1 samples is Int32Array of 1, expected Uint8Array of 1: uint8 [] a sample',
    );
  });
});
