import type { RunFile } from '@facet/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRunFile, readRunFile } from './run-file.js';

const seal = { bytes: 1, sha256: 'a'.repeat(64) };
const anyRunFile: fc.Arbitrary<RunFile> = fc.record({
  version: fc.constant(1 as const),
  run: fc.string({ minLength: 1, unit: 'binary' }),
  step: fc.nat(),
  epoch: fc.nat(),
  // Through JSON once, because JSON has no negative zero. A key __proto__ is no key of a configuration: the schema refuses it.
  config: fc
    .jsonValue()
    .map((value) => JSON.stringify(value))
    .filter((text) => !text.includes('__proto__'))
    .map((text) => JSON.parse(text) as unknown),
  codeVersion: fc.constant('0.1.0'),
  ledgerStep: fc.nat(),
  metrics: fc.constant({ testLoss: 0.25 }),
  at: fc.constant('2026-03-01T12:00:00.000Z'),
  weightsSha256: fc.constant('b'.repeat(64)),
  files: fc.constant({ 'model.safetensors': seal, 'optimizer.safetensors': seal }),
  layout: fc.constant([{ name: 'kernel', shape: [2], offset: 0, length: 2 }]),
  samples: fc.constant({
    fields: { features: { shape: [2], type: 'float32' as const }, label: { shape: [], type: 'int32' as const } },
    classes: ['a', 'b'],
    table: { columns: ['x', 'y'], hasHeader: true, separator: ',' },
  }),
});

describe('run.json', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(anyRunFile, (runFile) => {
        expect(readRunFile(formatRunFile(runFile))).toEqual(runFile);
      }),
    );
  });

  it('reveals the flip of any byte', () => {
    fc.assert(
      fc.property(anyRunFile, fc.nat(), fc.integer({ min: 1, max: 255 }), (runFile, position, flip) => {
        const bytes = Buffer.from(formatRunFile(runFile));
        const index = position % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ flip;
        expect(() => readRunFile(bytes.toString('utf8'))).toThrow(
          expect.objectContaining({ code: 'CHECKPOINT_INVALID' }),
        );
      }),
    );
  });
});
