import { createPlan, type LedgerRecord } from '@facet/shared';
import { describe, expect, it } from 'vitest';
import { readEarlierRun } from './earlier-run.js';

const at = '2026-01-01T00:00:00.000Z';
const plan = createPlan({ seed: 1, epochs: 2, batch: { global: 16, micro: 4 } }, { trainSamples: 64, testSamples: 20 });
const run: LedgerRecord = {
  kind: 'run',
  version: 1,
  run: 'tiny',
  dataset: 'mnist',
  datasetSha256: '0'.repeat(64),
  trainSamples: 64,
  seed: 1,
  globalBatch: 16,
  microBatch: 4,
  epochs: 2,
  configSha256: '0'.repeat(64),
  at,
};
const commit: LedgerRecord = {
  kind: 'commit',
  step: 1,
  epoch: 0,
  generation: 3,
  samples: Uint32Array.of(0, 1),
  loss: 1,
  weightsCrc: '00000001',
  at,
};
const resume: LedgerRecord = { kind: 'resume', fromStep: 0, at };

describe('the generations of a run that goes on', () => {
  const generationAfter = (...records: LedgerRecord[]): number => readEarlierRun(records, undefined, plan).generation;

  it('begin at 1 where there was none', () => {
    expect(generationAfter()).toBe(0);
  });

  it('lie beyond those that an earlier coordinator formed without a trace in the ledger', () => {
    expect(generationAfter(run, commit)).toBeGreaterThan(3 + 100);
    expect(generationAfter(run)).toBeGreaterThan(100);
  });

  it('move on with every resume, even when nothing happened between two of them', () => {
    const first = generationAfter(run, commit);
    const second = generationAfter(run, commit, resume);
    expect(second).toBeGreaterThan(first + 100);
    expect(generationAfter(run, commit, resume, { ...resume })).toBeGreaterThan(second + 100);
  });
});
