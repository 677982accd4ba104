import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LedgerChain } from './ledger-chain.js';
import { formatRecord, type LedgerRecord } from './ledger-record.js';
import { LedgerReader, type LedgerEnd } from './read-ledger.js';

const at = '2026-03-01T12:00:00.000Z';
const resumeOf = (fromStep: number): LedgerRecord => ({ kind: 'resume', fromStep, at });
const records = [1, 2, 3, 4].map(resumeOf);
/** As an earlier version wrote them. */
const oldLines = records.map((record) => `${formatRecord(record)}\n`);
const lines = linesOf(records);
const whole = lines.join('');
const lineAt = (index: number): string => lines[index] ?? '';
const flip = (line: string): string => line.replace('resume', 'rezume');

function linesOf(of: readonly LedgerRecord[]): string[] {
  const chain = new LedgerChain();
  return of.map((record) => chain.append(record));
}

/** Another record in a line's place, with everything that the line says of itself made anew. */
function forged(line: string, record: LedgerRecord): string {
  const before = /"before":"([0-9a-f]{64})"/.exec(line)?.[1];
  return `${formatRecord(record, before)}\n`;
}

function read(text: string | Uint8Array, chunkBytes = 1 << 20): LedgerEnd & { readonly records: LedgerRecord[] } {
  const found: LedgerRecord[] = [];
  const reader = new LedgerReader((record) => found.push(record));
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += chunkBytes) reader.push(bytes.subarray(from, from + chunkBytes));
  return { ...reader.end(), records: found };
}

describe('reading a ledger', () => {
  it('keeps nothing of the buffer that it was handed', () => {
    const found: LedgerRecord[] = [];
    const reader = new LedgerReader((record) => found.push(record));
    const buffer = Buffer.alloc(64);
    for (let from = 0; from < whole.length; from += buffer.length) {
      const length = buffer.write(whole.slice(from, from + buffer.length), 'latin1');
      reader.push(buffer.subarray(0, length));
    }
    expect(found).toEqual(records);
    expect(reader.end().damaged).toEqual([]);
  });

  it('gives every record of a sound one, however it comes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), (chunkBytes) => {
        expect(read(whole, chunkBytes)).toMatchObject({ records, tornBytes: 0, damaged: [], isChained: true });
      }),
    );
    expect(read('')).toMatchObject({ records: [], soundBytes: 0, tornBytes: 0, damaged: [] });
  });

  it('says what `sha256sum` says of the file, and of each line that the next one states', () => {
    const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
    expect(read(whole).chain.sha256).toBe(hashOf(whole));
    expect(read(whole).chain.before).toBe(hashOf(lineAt(3)));
    expect(lineAt(3)).toContain(`"before":"${hashOf(lineAt(2))}"`);
    expect(lineAt(0)).not.toContain('before');
  });

  it('keeps exactly the whole lines before a cut at any place', () => {
    for (let length = 0; length <= whole.length; length += 1) {
      const text = whole.slice(0, length);
      const soundBytes = text.lastIndexOf('\n') + 1;
      const parsed = read(text);
      expect(parsed.records).toEqual(records.slice(0, text.split('\n').length - 1));
      expect(parsed).toMatchObject({ tornBytes: length - soundBytes, soundBytes, damaged: [] });
    }
  });

  it('never takes a whole last line for a torn one: it was acknowledged', () => {
    const parsed = read([...lines.slice(0, 3), flip(lineAt(3))].join(''));
    expect(parsed).toMatchObject({ tornBytes: 0, soundBytes: whole.length, damagedLines: 1 });
    expect(parsed.damaged).toEqual([{ line: 4, reason: expect.stringMatching(/checksum is [0-9a-f]{8}, expected/) }]);
    // Sealed by hand: the checksum is right, the kind is unknown.
    expect(read(`${whole}{"kind":"novel","crc":"f9c67f26"}\n`).damaged).toMatchObject([{ line: 5 }]);
  });

  it('reports damaged lines with their numbers, and still reads the others', () => {
    const parsed = read([lineAt(0), flip(lineAt(1)), '\n', lineAt(3)].join(''));
    expect(parsed.records).toEqual([records[0], records[3]]);
    expect(parsed.damaged).toEqual([
      { line: 2, reason: expect.stringMatching(/checksum is [0-9a-f]{8}, expected [0-9a-f]{8}/) },
      { line: 3, reason: 'the line does not end with a checksum' },
    ]);
    const many = read(Array.from({ length: 50 }, () => 'hello\n').join(''));
    expect(many).toMatchObject({ damagedLines: 50, damaged: { length: 20 } });
  });

  it('reveals the flip of any byte', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (position, mask) => {
        const bytes = Buffer.from(whole);
        const index = position % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ mask;
        const parsed = read(bytes);
        expect(parsed.tornBytes > 0 || parsed.damagedLines > 0).toBe(true);
        expect(records).toEqual(expect.arrayContaining([...parsed.records]));
      }),
      { numRuns: 500 },
    );
  });
});

describe('what ties lines together', () => {
  const reason = expect.stringContaining('it was not written after the line before it');
  const damagedIn = (of: readonly string[]) => read(of.join('')).damaged;

  it('reveals a line that was changed with its checksum made anew, at the next one', () => {
    const changed = lines.toSpliced(1, 1, forged(lineAt(1), resumeOf(9)));
    expect(read(changed.join('')).records[1]).toEqual(resumeOf(9));
    expect(damagedIn(changed)).toEqual([{ line: 3, reason }]);
  });

  it('reveals a line that was removed, inserted, or put elsewhere', () => {
    expect(damagedIn(lines.toSpliced(1, 1))).toEqual([{ line: 2, reason }]);
    expect(damagedIn(lines.toSpliced(0, 1))).toEqual([{ line: 1, reason }]);
    expect(damagedIn(lines.toSpliced(2, 0, lineAt(1)))).toMatchObject([{ line: 3, reason }]);
    expect(damagedIn([lineAt(0), lineAt(2), lineAt(1), lineAt(3)])).toHaveLength(3);
  });

  it('cannot be left out once a line has it', () => {
    const dropped = lines.toSpliced(2, 1, oldLines[2]!);
    expect(damagedIn(dropped)).toMatchObject([
      { line: 3, reason: 'it does not say which line it was written after, as the lines before it do' },
      { line: 4, reason },
    ]);
  });

  it('is not expected of an earlier version, and covers its lines from the first new one on', () => {
    expect(read(oldLines.join(''))).toMatchObject({ records, damaged: [], isChained: false });
    const chain = read(oldLines.join('')).chain;
    const next = [chain.append(resumeOf(5)), chain.append(resumeOf(6))];
    expect(read([...oldLines, ...next].join(''))).toMatchObject({ damaged: [], isChained: false });
    const changed = oldLines.toSpliced(1, 1, `${formatRecord(resumeOf(9))}\n`);
    expect(damagedIn([...changed, ...next])).toEqual([{ line: 5, reason }]);
  });

  it('must be there in a ledger whose first line says so', () => {
    const hash = 'a'.repeat(64);
    const sizes = { trainSamples: 4, seed: 1, globalBatch: 2, microBatch: 2, epochs: 1 };
    const head = {
      kind: 'run',
      run: 'demo',
      dataset: 'mnist',
      datasetSha256: hash,
      configSha256: hash,
      ...sizes,
      at,
    } as const;
    const first = (version: 1 | 2): string => `${formatRecord({ ...head, version })}\n`;
    expect(damagedIn([first(1), oldLines[0]!])).toEqual([]);
    expect(damagedIn([first(2), oldLines[0]!])).toMatchObject([{ line: 2 }]);
  });
});
