import { createPlan, formatCrc32, momentsCrc, stateCrc, type LedgerRecord } from '@facet/shared';
import { describe, expect, it } from 'vitest';
import { samplesOfStep } from '../commit/commit-log.js';
import { EarlierRunReader, readEarlierRun } from './earlier-run.js';

const at = '2026-01-01T00:00:00.000Z';
const plan = createPlan({ seed: 1, epochs: 2, batch: { global: 16, micro: 4 } }, { trainSamples: 64, testSamples: 20 });
const run: LedgerRecord = {
  kind: 'run',
  version: 2,
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

function commit(step: number, changes: Partial<Extract<LedgerRecord, { kind: 'commit' }>> = {}): LedgerRecord {
  const samples = samplesOfStep(plan, step);
  const weightsCrc = step.toString(16).padStart(8, '0');
  const epoch = plan.epochOf(step);
  return { kind: 'commit', step, epoch, generation: 3, samples, loss: 1, weightsCrc, at, ...changes };
}

const resume: LedgerRecord = { kind: 'resume', fromStep: 0, at };

describe('the generations of a run that goes on', () => {
  const generationAfter = (...records: LedgerRecord[]): number => readEarlierRun(records, undefined, plan).generation;

  it('begin at 1 where there was none', () => {
    expect(generationAfter()).toBe(0);
  });

  it('lie beyond those that an earlier coordinator formed without a trace in the ledger', () => {
    expect(generationAfter(run, commit(1))).toBeGreaterThan(3 + 100);
    expect(generationAfter(run)).toBeGreaterThan(100);
  });

  it('move on with every resume, even when nothing happened between two of them', () => {
    const first = generationAfter(run, commit(1));
    const second = generationAfter(run, commit(1), resume);
    expect(second).toBeGreaterThan(first + 100);
    expect(generationAfter(run, commit(1), resume, { ...resume })).toBeGreaterThan(second + 100);
  });
});

describe('a ledger that is not what the plan says', () => {
  const [first, second] = [samplesOfStep(plan, 1), samplesOfStep(plan, 2)];
  const refusal = (...records: LedgerRecord[]): unknown => {
    try {
      return readEarlierRun([run, ...records], undefined, plan);
    } catch (caught) {
      return caught;
    }
  };

  it.each<readonly [string, LedgerRecord[], string]>([
    [
      'two steps whose samples changed places',
      [commit(1, { samples: second }), commit(2, { samples: first })],
      'step 1 has sample',
    ],
    ['a sample twice', [commit(1, { samples: first.with(1, first[0]!) })], 'step 1 has sample'],
    ['a sample that there is not', [commit(1, { samples: first.with(0, 64) })], 'step 1 has sample 64 in place 0'],
    ['a step of another epoch', [commit(1, { epoch: 1 })], 'step 1 is of epoch 2, the plan says epoch 1'],
    ['a step that is missing', [commit(1), commit(3)], 'step 2 is not committed before step 3'],
    [
      'a replay with other weights',
      [commit(1), { kind: 'replay', step: 1, generation: 4, weightsCrc: 'ffffffff', at }],
      'the replay of step 1 in generation 4 has weights ffffffff, expected 00000001',
    ],
  ])('is refused before anything is trained: %s', (_, records, fault) => {
    expect(refusal(...records)).toMatchObject({
      code: 'LEDGER_INVALID',
      message: expect.stringContaining(`the ledger of run tiny is wrong: ${fault}`),
    });
  });

  it('is not one that only lacks the steps to come', () => {
    expect(refusal(commit(1), commit(2))).toMatchObject({ committed: { length: 2 }, isFinished: false });
  });
});

describe('what a run achieved before', () => {
  const cost = { correct: 12, seconds: 0.5, bytesExchanged: 100 };
  const seconds = (of: number): string => new Date(Date.parse(at) + of * 1_000).toISOString();
  const records: LedgerRecord[] = [
    run,
    ...[1, 2, 3, 4].map((step) => commit(step, { ...cost, at: seconds(step) })),
    { kind: 'evaluation', step: 4, epoch: 0, testAccuracy: 0.9, testLoss: 1, at: seconds(5) },
    { ...resume, at: seconds(100) },
    { kind: 'replay', step: 4, generation: 1_010, weightsCrc: '00000004', ...cost, at: seconds(101) },
    commit(5, { ...cost, generation: 1_010, at: seconds(103) }),
  ];

  it('is in its ledger: accuracies and time of the epochs, the totals, the time of each life', () => {
    const { history, effort, evaluatedSteps, terms } = readEarlierRun(records, undefined, plan);
    expect(history.epochs).toMatchObject([
      { epoch: 0, trainAccuracy: 0.75, testAccuracy: 0.9, seconds: 2.5 },
      { epoch: 1, trainAccuracy: 0.75, seconds: 0.5 },
    ]);
    expect(effort).toEqual({
      wallSeconds: 5 + 3,
      trainSeconds: 3,
      trainedSamples: 6 * 16,
      bytesExchanged: 600,
      generations: 2,
    });
    expect({ evaluatedSteps, terms }).toEqual({ evaluatedSteps: [4], terms: 2 });
    expect(history.evaluationOf(4)?.accuracy).toBe(0.9);
    expect(history.evaluationOf(5)).toBeUndefined();
  });

  it('is not made up where an earlier version did not record it', () => {
    const { history, effort } = readEarlierRun([run, commit(1)], undefined, plan);
    expect(history.epochs).toMatchObject([{ epoch: 0, trainAccuracy: undefined, seconds: 0 }]);
    expect(effort).toMatchObject({ trainSeconds: 0, trainedSamples: 0, bytesExchanged: 0 });
  });

  it('says whether the run has ended', () => {
    const reader = new EarlierRunReader(plan);
    for (const record of [run, commit(1)]) reader.add(record);
    expect(reader.first).toBe(run);
    expect(reader.finish(undefined).isEnded).toBe(false);
    reader.add({ kind: 'end', reason: 'finished', step: 1, at });
    expect(reader.finish(undefined).isEnded).toBe(true);
  });
});

describe('a checkpoint of a run that goes on', () => {
  const values = (shift: number): Float32Array => Float32Array.of(1 + shift, 2 + shift);
  const state = { step: 1, weights: values(0), m: values(1), v: values(2), ema: values(3) };
  const text = (crc: number): string => formatCrc32(crc);
  const committed = commit(1, { weightsCrc: text(stateCrc(state)), momentsCrc: text(momentsCrc(state)) });
  const held = (changed: typeof state, record = committed) =>
    readEarlierRun([run, record], { state: changed, path: 'step-1' }, plan).checkpoint;

  it('is the one that was committed, value by value', () => {
    expect(held(state)).toMatchObject({ step: 1, weightsCrc: stateCrc(state) });
    for (const part of ['weights', 'm', 'v', 'ema'] as const) {
      const changed = { ...state, [part]: Float32Array.of(state[part][0]!, 9) };
      expect(() => held(changed), part).toThrow(
        expect.objectContaining({
          code: 'CHECKPOINT_INCOMPATIBLE',
          message: expect.stringMatching(
            part === 'm' || part === 'v'
              ? /step-1 holds moments .*the ledger says/
              : /step-1 holds weights .*the ledger says/,
          ) as string,
        }),
      );
    }
  });

  it('of a ledger that says nothing of moments is compared by its weights', () => {
    const { momentsCrc: _, ...older } = committed as Extract<LedgerRecord, { kind: 'commit' }>;
    expect(held({ ...state, m: values(9) }, older)).toMatchObject({ step: 1 });
  });
});
