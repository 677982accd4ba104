import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32, formatCrc32 } from '../crc32.js';
import { formatRecord, parseRecord, type LedgerRecord } from './ledger-record.js';

const at = '2026-03-01T12:00:00.000Z';
const hex = (length: number) =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`), { size: 'max' }).filter((text) => text.length === length);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const step = fc.integer({ min: 1, max: 1e9 });
const count = fc.nat();
const time = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((date) => date.toISOString());
const text = fc.string({ minLength: 1, unit: 'binary' });
const samples = fc.array(fc.integer({ min: 0, max: 0xffff_ffff })).map((ids) => Uint32Array.from(ids));
const generation = count;
const metrics = fc.dictionary(
  text.filter((name) => name !== '__proto__'),
  finite,
);

const RUN = {
  kind: fc.constant('run' as const),
  version: fc.constantFrom(1 as const, 2 as const),
  run: text,
  dataset: text,
  datasetSha256: hex(64),
  trainSamples: fc.integer({ min: 1, max: 1 << 28 }),
  seed: fc.maxSafeInteger(),
  globalBatch: step,
  microBatch: step,
  epochs: fc.integer({ min: 1, max: 1_000_000 }),
  configSha256: hex(64),
  at: time,
};

const anyRecord: fc.Arbitrary<LedgerRecord> = fc.oneof(
  fc.record(RUN),
  fc.record({ ...RUN, heldOut: samples }),
  fc.record({
    kind: fc.constant('commit' as const),
    step,
    epoch: count,
    generation,
    samples,
    loss: finite,
    weightsCrc: hex(8),
    at: time,
  }),
  fc.record({
    kind: fc.constant('commit' as const),
    step,
    epoch: count,
    generation,
    samples,
    loss: finite,
    weightsCrc: hex(8),
    correct: count,
    metrics,
    at: time,
  }),
  fc.record({
    kind: fc.constant('replay' as const),
    step,
    generation,
    weightsCrc: hex(8),
    correct: count,
    seconds: fc.double({ min: 0, max: 1e6, noNaN: true }).map(Math.abs),
    bytesExchanged: count,
    at: time,
  }),
  fc.record({ kind: fc.constant('replay' as const), step, generation, weightsCrc: hex(8), at: time }),
  fc.record({
    kind: fc.constant('evaluation' as const),
    step: count,
    epoch: count,
    testAccuracy: fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs),
    testLoss: finite,
    at: time,
  }),
  fc.record({
    kind: fc.constant('evaluation' as const),
    step: count,
    epoch: count,
    testLoss: finite,
    metrics,
    at: time,
  }),
  fc.record({
    kind: fc.constant('held-out-evaluation' as const),
    step: count,
    epoch: count,
    heldOutAccuracy: fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs),
    heldOutLoss: finite,
    at: time,
  }),
  fc.record({
    kind: fc.constant('held-out-evaluation' as const),
    step: count,
    epoch: count,
    heldOutLoss: finite,
    metrics,
    at: time,
  }),
  fc.record({ kind: fc.constant('checkpoint' as const), step: count, weightsSha256: hex(64), at: time }),
  fc.record({ kind: fc.constant('fault' as const), generation, step: count, code: text, message: text, at: time }),
  fc.record({
    kind: fc.constant('leave' as const),
    generation: count,
    step: count,
    workerId: fc.constant('w-1'),
    at: time,
  }),
  fc.record({ kind: fc.constant('resume' as const), fromStep: count, at: time }),
  fc.constant<LedgerRecord>({
    ...{ kind: 'change', afterStep: 7, epochs: { from: 2, to: 3 }, schedule: 'restart', at },
    optimizer: { peakLearningRate: { from: 0.006, to: 0.001 } },
  }),
  fc.record({
    kind: fc.constant('end' as const),
    reason: fc.constantFrom('finished' as const, 'stopped' as const, 'failed' as const),
    step: count,
    at: time,
  }),
);

const commit: LedgerRecord = {
  kind: 'commit',
  step: 1,
  epoch: 0,
  generation: 2,
  samples: Uint32Array.of(1, 0xffff_ffff),
  loss: 2.5,
  weightsCrc: '00c0ffee',
  at,
};

/** A line whose checksum is right, whatever its content. */
function sealed(body: string): string {
  return `${body.slice(0, -1)},"crc":"${formatCrc32(crc32(new TextEncoder().encode(body)))}"}`;
}

describe('ledger records', () => {
  it('are one line that reads back as the same record', () => {
    fc.assert(
      fc.property(anyRecord, fc.option(hex(64), { nil: undefined }), (record, before) => {
        const line = formatRecord(record, before);
        expect(line).not.toContain('\n');
        expect(parseRecord(line)).toEqual({ ok: true, record, before });
      }),
    );
  });

  it('hold sample ids as little-endian base64 and end with their checksum', () => {
    const body =
      '{"kind":"commit","step":1,"epoch":0,"generation":2,"samples":"AQAAAP////8=","loss":2.5,' +
      `"weightsCrc":"00c0ffee","at":"${at}"}`;
    expect(formatRecord(commit)).toBe(sealed(body));
    const before = 'ab'.repeat(32);
    expect(formatRecord(commit, before)).toBe(sealed(`${body.slice(0, -1)},"before":"${before}"}`));
  });

  it('reveal the flip of any byte', () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(), fc.integer({ min: 1, max: 255 }), (record, position, flip) => {
        const bytes = Buffer.from(formatRecord(record));
        const index = position % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ flip;
        expect(parseRecord(bytes.toString('utf8'))).toMatchObject({ ok: false, damage: 'checksum' });
      }),
      { numRuns: 500 },
    );
  });

  it('reveal a cut at any place', () => {
    const line = formatRecord(commit);
    for (let length = 0; length < line.length; length += 1) expect(parseRecord(line.slice(0, length)).ok).toBe(false);
  });

  it('name the member that an intact line has wrong', () => {
    expect(parseRecord(sealed(`{"kind":"resume","fromStep":-1,"at":"${at}"}`))).toMatchObject({
      damage: 'content',
      reason: expect.stringContaining('fromStep: '),
    });
    expect(parseRecord(sealed(`{"kind":"resume","fromStep":1,"at":"${at}","extra":1}`))).toMatchObject({
      damage: 'content',
      reason: expect.stringContaining('extra'),
    });
    expect(parseRecord(sealed(`{"kind":"future","at":"${at}"}`))).toMatchObject({ ok: false, damage: 'content' });
    expect(parseRecord(sealed('{not json}'))).toMatchObject({ ok: false, damage: 'content' });
    expect(parseRecord(sealed(`{"kind":"resume","fromStep":1,"at":"${at}","before":"abc"}`))).toMatchObject({
      damage: 'content',
      reason: expect.stringContaining('before: '),
    });
    const odd = formatRecord(commit).slice(0, -',"crc":"00000000"}'.length).replace('AQAAAP////8=', 'AQAA');
    expect(parseRecord(sealed(`${odd}}`))).toEqual({
      ok: false,
      damage: 'content',
      reason: 'samples: expected a multiple of 4 bytes, found 3',
    });
  });

  it('refuse to be written when they could not be read back', () => {
    expect(() => formatRecord({ ...commit, loss: Number.NaN })).toThrow(/cannot write a commit record.*loss/);
    expect(() => formatRecord({ ...commit, metrics: { far: Number.NaN } })).toThrow(/metrics/);
    expect(() => formatRecord({ ...commit, correct: 0.5 })).toThrow(/correct/);
    expect(() => formatRecord({ ...commit, step: 0 })).toThrow(/step/);
    expect(() => formatRecord({ ...commit, weightsCrc: 'C0FFEE' })).toThrow(/8 lower-case hex digits/);
  });
});
