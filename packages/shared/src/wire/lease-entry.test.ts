import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TrainingError } from '../errors.js';
import { decodeLeaseEntry, encodeLeaseEntry, type LeaseEntry } from './lease-entry.js';

/** `npm run bench -- fuzz` multiplies the cases. */
const SCALE = Number(process.env['FACET_FUZZ_SCALE'] ?? 1);

const entry: fc.Arbitrary<LeaseEntry> = fc.record(
  {
    holder: fc.string({ minLength: 1 }),
    host: fc.string(),
    pid: fc.integer({ min: 1 }),
    startTicks: fc.integer({ min: 0 }),
    address: fc.string(),
    isFree: fc.boolean(),
  },
  { requiredKeys: ['holder', 'host', 'pid', 'address', 'isFree'] },
);

/** The entry, or undefined where it was refused properly. */
const decoded = (text: string): LeaseEntry | undefined => {
  try {
    return decodeLeaseEntry(text);
  } catch (error) {
    expect(error).toBeInstanceOf(TrainingError);
    expect((error as TrainingError).code).toBe('VERSION_MISMATCH');
    // It is printed and logged: short, whatever stood there.
    expect((error as TrainingError).message.length).toBeLessThan(400);
    return undefined;
  }
};

describe('the entry of a lease', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(entry, (original) => {
        expect(decodeLeaseEntry(encodeLeaseEntry(original))).toEqual(original);
      }),
    );
  });

  it('is refused with a code when anybody else wrote it', () => {
    const key = fc.constantFrom('holder', 'host', 'pid', 'startTicks', 'address', 'isFree', 'more', '__proto__');
    fc.assert(
      fc.property(entry, key, fc.jsonValue(), (original, at, value) => {
        const found = decoded(JSON.stringify({ ...original, [at]: value }));
        if (found !== undefined) expect(Number.isSafeInteger(found.pid) && found.pid > 0).toBe(true);
      }),
      { numRuns: 300 * SCALE },
    );
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 5_000 }), fc.json()), (text) => void decoded(text)),
      { numRuns: 300 * SCALE },
    );
    for (const text of ['', 'null', '[]', '{}', '{"pid":1e999}', `{"holder":"${'x'.repeat(4_096)}"`]) {
      expect(decoded(text)).toBeUndefined();
    }
  });
});
