import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRecord, type LedgerRecord } from './ledger-record.js';
import { parseLedger } from './read-ledger.js';

const records: LedgerRecord[] = [1, 2, 3, 4].map((fromStep) => ({
  kind: 'resume',
  fromStep,
  at: '2026-03-01T12:00:00.000Z',
}));
const lines = records.map((record) => `${formatRecord(record)}\n`);
const whole = lines.join('');
const lineAt = (index: number): string => lines[index] ?? '';

describe('parseLedger', () => {
  it('reads every record of a sound ledger', () => {
    expect(parseLedger(whole)).toEqual({ records, tornTail: false, soundLength: whole.length, damaged: [] });
    expect(parseLedger('')).toEqual({ records: [], tornTail: false, soundLength: 0, damaged: [] });
  });

  it('keeps exactly the whole lines before a cut at any place', () => {
    for (let length = 0; length <= whole.length; length += 1) {
      const text = whole.slice(0, length);
      const soundLength = text.lastIndexOf('\n') + 1;
      const parsed = parseLedger(text);
      expect(parsed.records).toEqual(records.slice(0, text.split('\n').length - 1));
      expect(parsed).toMatchObject({ tornTail: soundLength < length, soundLength, damaged: [] });
    }
  });

  it('counts a damaged last line as the torn tail', () => {
    const text = `${lines.slice(0, 3).join('')}${lineAt(3).replace('resume', 'rezume')}`;
    expect(parseLedger(text)).toEqual({
      records: records.slice(0, 3),
      tornTail: true,
      soundLength: lines.slice(0, 3).join('').length,
      damaged: [],
    });
  });

  it('reports damage before the last line with its line number, and still reads the others', () => {
    const text = [lineAt(0), lineAt(1).replace('resume', 'rezume'), '\n', lineAt(3)].join('');
    const parsed = parseLedger(text);
    expect(parsed.records).toEqual([records[0], records[3]]);
    expect(parsed.tornTail).toBe(false);
    expect(parsed.damaged).toEqual([
      { line: 2, reason: expect.stringMatching(/checksum is [0-9a-f]{8}, expected [0-9a-f]{8}/) },
      { line: 3, reason: 'the line does not end with a checksum' },
    ]);
  });

  it('never takes an intact last line of a newer version for a torn one', () => {
    // Sealed by hand: the checksum is right, the kind is unknown.
    const parsed = parseLedger(`${whole}{"kind":"novel","crc":"f9c67f26"}\n`);
    expect(parsed.tornTail).toBe(false);
    expect(parsed.damaged).toMatchObject([{ line: 5 }]);
  });

  it('reveals the flip of any byte as damage or as a torn tail', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (position, flip) => {
        const bytes = Buffer.from(whole);
        const index = position % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ flip;
        const parsed = parseLedger(bytes.toString('utf8'));
        expect(parsed.tornTail || parsed.damaged.length > 0).toBe(true);
        expect(records).toEqual(expect.arrayContaining([...parsed.records]));
      }),
      { numRuns: 500 },
    );
  });
});
