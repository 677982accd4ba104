import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPlan, formatRecord, LedgerChain, type LedgerRecord } from '@facet/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { samplesOfStep } from '../commit/commit-log.js';
import { History } from './history.js';
import { makeResult, resultModel, type MeasuredResult } from './result.js';

const at = '2026-01-01T00:00:00.000Z';
const plan = createPlan({ seed: 1, epochs: 2, batch: { global: 16, micro: 4 } }, { trainSamples: 64, testSamples: 20 });

describe('the model of a result', () => {
  const config = { optimizer: { emaDecay: 0 } } as never;
  const evaluated = (...steps: readonly (readonly [step: number, accuracy: number])[]): History => {
    const history = new History(plan);
    for (const [step, accuracy] of steps) history.evaluate({ step, accuracy, loss: 1, metrics: {}, confusion: [step] });
    return history;
  };
  const checkpoint = (step: number) => ({ step, path: `/checkpoints/${step}`, weightsSha256: `sha-of-${step}` });

  it('is that of the newest checkpoint, with its own accuracy', () => {
    const model = resultModel({ plan, config }, evaluated([4, 0.9466], [8, 0.9711]), checkpoint(8));
    expect(model).toMatchObject({ testAccuracy: 0.9711, checkpointStep: 8, weightsSha256: 'sha-of-8', confusion: [8] });
    expect(model.warning).toBeUndefined();
  });

  it('is never one model with the accuracy of another, such as when the last checkpoint could not be written', () => {
    const model = resultModel({ plan, config }, evaluated([4, 0.9466], [8, 0.9711]), checkpoint(4));
    expect(model).toMatchObject({ testAccuracy: 0.9466, checkpointStep: 4, weightsSha256: 'sha-of-4', confusion: [4] });
    expect(model.warning).toBe(
      'the newest checkpoint is of step 4; the last evaluation, 97.11 %, is of the weights after step 8',
    );
  });

  it('has no accuracy when its weights were not evaluated, as after a stop in the middle of an epoch', () => {
    const model = resultModel({ plan, config }, evaluated([4, 0.9466]), checkpoint(6));
    expect(model).toMatchObject({ testAccuracy: undefined, checkpointStep: 6, confusion: [] });
    expect(model.warning).toContain('94.66 %, is of the weights after step 4');
  });

  it('has the loss and the metrics of its own evaluation, and says a loss where there is no accuracy', () => {
    const history = new History(plan);
    const of = { accuracy: undefined, confusion: [] };
    history.evaluate({ ...of, step: 4, loss: 0.5, metrics: { far: 2 } });
    history.evaluate({ ...of, step: 8, loss: 0.123456, metrics: { far: 1 } });
    const model = resultModel({ plan, config }, history, checkpoint(4));
    expect(model).toMatchObject({ testAccuracy: undefined, evaluation: { loss: 0.5, metrics: { far: 2 } } });
    expect(model.warning).toBe(
      'the newest checkpoint is of step 4; the last evaluation, a loss of 0.1235, is of the weights after step 8',
    );
    expect(resultModel({ plan, config }, history, checkpoint(6)).evaluation).toBeUndefined();
  });

  it('is the one that was evaluated last where there is no checkpoint', () => {
    const model = resultModel({ plan, config }, evaluated([4, 0.9466]), undefined);
    expect(model).toMatchObject({ testAccuracy: 0.9466, checkpoint: undefined, weightsSha256: undefined });
  });
});

describe('the outcome of a run', () => {
  const measured = { run: 'tiny', warnings: [] } as unknown as MeasuredResult;
  const finished = { outcome: 'finished', message: 'all epochs are done' } as const;
  let folder = '';
  let path = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'facet-result-'));
    path = join(folder, 'ledger.jsonl');
  });

  afterEach(() => rm(folder, { recursive: true }));

  const sizes = { trainSamples: 64, seed: 1, globalBatch: 16, microBatch: 4, epochs: 2 };
  const hashes = { datasetSha256: '0'.repeat(64), configSha256: '0'.repeat(64) };
  const run: LedgerRecord = { kind: 'run', version: 2, run: 'tiny', dataset: 'mnist', ...sizes, ...hashes, at };
  const commits = Array.from({ length: 8 }, (_, index): LedgerRecord => {
    const step = index + 1;
    const samples = samplesOfStep(plan, step);
    return {
      kind: 'commit',
      step,
      epoch: plan.epochOf(step),
      generation: 1,
      samples,
      loss: 1,
      weightsCrc: '00000001',
      at,
    };
  });
  const linesOf = (records: readonly LedgerRecord[]): string[] => {
    const chain = new LedgerChain();
    return records.map((record) => chain.append(record));
  };
  const resultOf = async (lines: readonly string[]) => {
    await writeFile(path, lines.join(''));
    return makeResult(measured, finished, { path, steps: 7 });
  };
  const whole = linesOf([run, ...commits]);

  it('is "finished" when the ledger is clean, as the check of the ledger says', async () => {
    const result = await resultOf(whole);
    expect(result).toMatchObject({ ...finished, steps: 8, ledger: { clean: true, committed: 128, problems: [] } });
  });

  it.each<readonly [string, readonly string[]]>([
    [
      'a sample that there is not',
      linesOf([
        run,
        ...commits.slice(0, 7),
        { ...commits[7]!, samples: Uint32Array.from({ length: 16 }, () => 99) } as LedgerRecord,
      ]),
    ],
    ['steps that changed places', linesOf([run, commits[1]!, commits[0]!, ...commits.slice(2)])],
    ['a damaged line in between', whole.with(3, whole[3]!.replace('"loss":1', '"loss":2'))],
    ['a damaged last line', whole.with(8, whole[8]!.replace('"loss":1', '"loss":2'))],
    [
      'a line that was made anew',
      whole.with(
        3,
        `${formatRecord({ ...commits[2]!, loss: 2 } as LedgerRecord, /"before":"(\w+)"/.exec(whole[3]!)![1])}\n`,
      ),
    ],
    ['steps that are missing', whole.slice(0, 7)],
  ])('is never "finished" with %s', async (_, lines) => {
    const result = await resultOf(lines);
    expect(result).toMatchObject({ outcome: 'failed', code: 'ACCOUNTING', ledger: { clean: false } });
    expect(result.message).toContain(`the ledger is not clean: ${result.ledger?.problems[0]}`);
  });

  it('is a failure that proves nothing when the ledger cannot be read', async () => {
    const result = await makeResult(measured, finished, { path, steps: 7 });
    expect(result).toMatchObject({ outcome: 'failed', code: 'LEDGER_INVALID', steps: 7 });
    expect(result.ledger).toBeUndefined();
    expect(result.message).toMatch(/the ledger cannot be read: ENOENT/);
  });
});
