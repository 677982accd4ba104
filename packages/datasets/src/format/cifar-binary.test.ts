import { TrainingError } from '@facet/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countingBytes } from '../../test/fixtures.js';
import { CIFAR_ROW_BYTES, decodeCifarBatches, encodeCifarBatch } from './cifar-binary.js';

const split = fc.integer({ min: 1, max: 3 }).chain((count) =>
  fc.record({
    count: fc.constant(count),
    labels: fc.uint8Array({ minLength: count, maxLength: count, max: 9 }),
    pixels: fc.uint8Array({ minLength: count * 3072, maxLength: count * 3072 }),
  }),
);

describe('CIFAR binary batches', () => {
  it('decode to what was encoded, over several files in order', () => {
    fc.assert(
      fc.property(split, split, (first, second) => {
        const batches = [first, second].map((part, i) => ({ file: `${i}`, bytes: encodeCifarBatch(part) }));
        const decoded = decodeCifarBatches(batches, [10]);
        expect(decoded.count).toBe(first.count + second.count);
        expect(decoded.labels).toEqual(Uint8Array.from([...first.labels, ...second.labels]));
        expect(decoded.pixels).toEqual(Uint8Array.from([...first.pixels, ...second.pixels]));
      }),
      { numRuns: 20 },
    );
  });

  it('turn three planes into interleaved pixels', () => {
    const row = new Uint8Array(CIFAR_ROW_BYTES);
    row[0] = 7;
    row.fill(10, 1, 1025).fill(20, 1025, 2049).fill(30, 2049);
    row[1 + 33] = 11;
    const { labels, pixels } = decodeCifarBatches([{ file: 'f', bytes: row }], [10]);
    expect([...labels]).toEqual([7]);
    expect([...pixels.subarray(0, 6)]).toEqual([10, 20, 30, 10, 20, 30]);
    // Pixel 33 is at row 1, column 1.
    expect([...pixels.subarray(33 * 3, 34 * 3)]).toEqual([11, 20, 30]);
  });

  it('are refused with a size that is not a whole number of rows', () => {
    const message =
      'b.bin has 6145 bytes, expected a positive multiple of 3073 (one row each); ' +
      'replace it with a complete CIFAR binary batch';
    const wrong = [{ file: 'b.bin', bytes: countingBytes(6145, 10) }];
    expect(() => decodeCifarBatches(wrong, [10])).toThrow(new TrainingError('DATASET_INVALID', message));
    expect(() => decodeCifarBatches([{ file: 'b.bin', bytes: new Uint8Array() }], [10])).toThrow('b.bin has 0 bytes');
  });

  it('name the first label out of range and its row', () => {
    const bytes = new Uint8Array(3 * CIFAR_ROW_BYTES);
    bytes[2 * CIFAR_ROW_BYTES] = 10;
    expect(() => decodeCifarBatches([{ file: 'b.bin', bytes }], [10])).toThrow(
      'b.bin has label 10 at row 2, expected 0 to 9',
    );
  });
});
