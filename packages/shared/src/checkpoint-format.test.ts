import { describe, expect, it } from 'vitest';
import { crc32 } from './crc32.js';
import { parseRunFile, stateCrc, type RunFile } from './checkpoint-format.js';

const sha256 = 'a'.repeat(64);
const runFile: RunFile = {
  version: 1,
  run: 'demo',
  step: 3,
  epoch: 0,
  config: { seed: 7, nested: [1, null, 'x'] },
  codeVersion: '0.1.0',
  ledgerStep: 3,
  metrics: { testAccuracy: 0.5 },
  at: '2026-03-01T12:00:00.000Z',
  weightsSha256: sha256,
  files: { 'model.safetensors': { bytes: 1, sha256 }, 'optimizer.safetensors': { bytes: 2, sha256 } },
  layout: [{ name: 'kernel', shape: [2, 2], offset: 0, length: 4 }],
};

describe('parseRunFile', () => {
  it('gives back what a checkpoint says', () => {
    expect(parseRunFile(JSON.parse(JSON.stringify(runFile)))).toEqual({ ok: true, runFile });
  });

  it('knows checkpoints with and without an average of the weights', () => {
    const withAverage: RunFile = { ...runFile, files: { ...runFile.files, 'ema.safetensors': { bytes: 1, sha256 } } };
    expect(parseRunFile(JSON.parse(JSON.stringify(withAverage)))).toEqual({ ok: true, runFile: withAverage });
  });

  it.each([
    ['a version of the future', { version: 2 }, 'version: '],
    ['a hash that is none', { weightsSha256: 'abc' }, 'weightsSha256: expected 64 lower-case hex digits'],
    ['a metric that is no number', { metrics: { loss: null } }, 'metrics.loss: '],
    ['a file too few', { files: { 'optimizer.safetensors': { bytes: 1, sha256 } } }, 'files.model.safetensors: '],
    ['a member too many', { extra: 1 }, 'extra'],
  ])('names the member of %s', (_, change, reason) => {
    expect(parseRunFile({ ...runFile, ...change })).toMatchObject({
      ok: false,
      reason: expect.stringContaining(reason),
    });
  });

  it('refuses what is no object', () => {
    expect(parseRunFile(null)).toMatchObject({ ok: false });
  });
});

describe('the checksum of a state', () => {
  it('is that of the weights, and of their average when there is one', () => {
    const weights = Float32Array.of(1, 2, 3);
    const ema = Float32Array.of(4, 5, 6);
    const bytes = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
    expect(stateCrc({ weights })).toBe(crc32(bytes.subarray(0, 12)));
    expect(stateCrc({ weights, ema })).toBe(crc32(bytes));
  });
});
