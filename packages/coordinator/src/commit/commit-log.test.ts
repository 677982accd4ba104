import { createPlan, sampleChecksum } from '@facet/shared';
import { describe, expect, it } from 'vitest';
import { CommitLog, samplesOfStep, type ReportedStep } from './commit-log.js';

const config = { seed: 3, epochs: 2, batch: { global: 16, micro: 4 } };
const plan = createPlan(config, { trainSamples: 40, testSamples: 10 });

function reported(step: number, changes: Partial<ReportedStep> = {}): ReportedStep {
  const samples = samplesOfStep(plan, Math.min(step, plan.totalSteps));
  return {
    workerId: 'a',
    generation: 1,
    step,
    weightsCrc: step * 100,
    momentsCrc: step * 1_000,
    loss: 0.5,
    metrics: { correct: 3 },
    sampleCount: samples.length,
    sampleChecksum: sampleChecksum(config, plan.epochOf(step), samples),
    ...changes,
  };
}

const desyncAdvice = (): string => 'do this';

const newLog = (): CommitLog => new CommitLog({ config, plan, committed: [], desyncAdvice });

describe('CommitLog', () => {
  it('commits steps in order with all their samples, the small last step of an epoch too', () => {
    const log = newLog();
    expect(log.accept(reported(1))).toEqual({ kind: 'commit', epoch: 0, samples: samplesOfStep(plan, 1) });
    log.accept(reported(2));
    expect(log.accept(reported(3))).toMatchObject({ kind: 'commit', samples: { length: 8 } });
    expect(log.accept(reported(4))).toMatchObject({ kind: 'commit', epoch: 1 });
    expect(log.lastStep).toBe(4);
    expect(log.weightsCrcOf(3)).toBe(300);
  });

  it('takes the other ranks as agreement, and a later generation as one replay', () => {
    const log = newLog();
    log.accept(reported(1));
    expect(log.accept(reported(1, { workerId: 'b' }))).toEqual({ kind: 'agreed' });
    expect(log.accept(reported(1, { generation: 2 }))).toEqual({ kind: 'replay' });
    expect(log.accept(reported(1, { generation: 2, workerId: 'b' }))).toEqual({ kind: 'agreed' });
    expect(log.accept(reported(1, { generation: 1, workerId: 'c' }))).toEqual({ kind: 'agreed' });
  });

  it('compares with the ledger of an earlier coordinator', () => {
    const committed = [{ step: 1, generation: 4, weightsCrc: 100, momentsCrc: undefined }];
    const log = new CommitLog({ config, plan, committed, desyncAdvice });
    expect(log.accept(reported(1, { generation: 6, weightsCrc: 1 }))).toEqual({
      kind: 'fault',
      code: 'DESYNC',
      message: 'the replay of step 1 gives other weights: the ledger has 00000064, worker a has 00000001; do this',
    });
    expect(log.accept(reported(1, { generation: 5 }))).toEqual({ kind: 'replay' });
  });

  it('compares the moments too, where they are known', () => {
    const log = newLog();
    log.accept(reported(1));
    expect(log.momentsCrcOf(1)).toBe(1_000);
    expect(log.accept(reported(1, { workerId: 'b', momentsCrc: 1 }))).toEqual({
      kind: 'fault',
      code: 'DESYNC',
      message: 'the moments after step 1 differ: worker a has 000003e8, worker b has 00000001; do this',
    });
  });

  it('names both sides of a disagreement', () => {
    const log = newLog();
    log.accept(reported(1));
    expect(log.accept(reported(1, { workerId: 'b', weightsCrc: 1 }))).toEqual({
      kind: 'fault',
      code: 'DESYNC',
      message: 'the weights after step 1 differ: worker a has 00000064, worker b has 00000001; do this',
    });
  });

  it.each([
    ['a sample too few', { sampleCount: 15 }, 'ACCOUNTING', /15 samples .* expected 16/],
    ['other samples', { sampleChecksum: 1 }, 'ACCOUNTING', /check sum 1, expected 16 with \d+/],
    ['a loss that is no number', { loss: Number.NaN }, 'NON_FINITE', /loss of step 1 is NaN/],
    [
      'a metric that is no number',
      { metrics: { far: -Infinity } },
      'NON_FINITE',
      /metric far of step 1 is -Infinity on worker a/,
    ],
  ])('refuses %s', (_what, changes, code, message) => {
    const log = newLog();
    expect(log.accept(reported(1, changes))).toEqual({ kind: 'fault', code, message: expect.stringMatching(message) });
    expect(log.lastStep).toBe(0);
  });

  it('refuses a replay with a metric that is no number: the ledger could not hold it', () => {
    const log = newLog();
    log.accept(reported(1));
    const replayed = reported(1, { generation: 2, metrics: { far: Number.NaN } });
    expect(log.accept(replayed)).toMatchObject({ kind: 'fault', code: 'NON_FINITE' });
  });

  it('refuses a step out of order, and one beyond the end', () => {
    const log = newLog();
    expect(log.accept(reported(2))).toMatchObject({ kind: 'fault', code: 'ACCOUNTING' });
    for (let step = 1; step <= plan.totalSteps; step++) log.accept(reported(step));
    expect(log.accept(reported(plan.totalSteps + 1))).toMatchObject({ kind: 'fault', code: 'ACCOUNTING' });
  });

  it('commits every sample of an epoch exactly once', () => {
    const samples = [1, 2, 3].flatMap((step) => [...samplesOfStep(plan, step)]);
    expect(samples.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, id) => id));
  });
});
