import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { permutation } from '../random.js';
import { checkLedger } from './check-ledger.js';
import type { CommitRecord, LedgerRecord, RunRecord } from './ledger-record.js';

const at = '2026-03-01T12:00:00.000Z';

interface Shape {
  readonly trainSamples: number;
  readonly globalBatch: number;
  readonly epochs: number;
}

function runRecord({ trainSamples, globalBatch, epochs }: Shape): RunRecord {
  const hash = 'a'.repeat(64);
  return {
    kind: 'run',
    version: 1,
    run: 'demo',
    dataset: 'mnist',
    datasetSha256: hash,
    trainSamples,
    seed: 7,
    globalBatch,
    microBatch: globalBatch,
    epochs,
    configSha256: hash,
    at,
  };
}

const crcOf = (step: number): string => step.toString(16).padStart(8, '0');

/** The commits of a whole run, in the order of its seed. */
function commitsOf({ trainSamples, globalBatch, epochs }: Shape): CommitRecord[] {
  const commits: CommitRecord[] = [];
  for (let epoch = 0; epoch < epochs; epoch += 1) {
    const order = permutation(7, epoch, trainSamples);
    for (let from = 0; from < trainSamples; from += globalBatch) {
      const step = commits.length + 1;
      const samples = order.slice(from, from + globalBatch);
      commits.push({ kind: 'commit', step, epoch, generation: 0, samples, loss: 1, weightsCrc: crcOf(step), at });
    }
  }
  return commits;
}

const shape = fc.record({
  trainSamples: fc.integer({ min: 2, max: 60 }),
  globalBatch: fc.integer({ min: 1, max: 20 }),
  epochs: fc.integer({ min: 1, max: 4 }),
});

const ledgerOf = (of: Shape): LedgerRecord[] => [runRecord(of), ...commitsOf(of)];

function withSamples(commit: CommitRecord, edit: (ids: number[]) => number[]): CommitRecord {
  return { ...commit, samples: Uint32Array.from(edit([...commit.samples])) };
}

function pick<T>(items: readonly T[], index: number): T {
  return items[index % items.length] as T;
}

describe('checkLedger', () => {
  it('finds a whole run clean, whatever else is recorded in between', () => {
    fc.assert(
      fc.property(shape, fc.nat(), fc.nat(), (of, position, generation) => {
        const [run, ...commits] = ledgerOf(of) as [RunRecord, ...CommitRecord[]];
        const { step } = pick(commits, position);
        const extras: LedgerRecord[] = [
          { kind: 'fault', generation, step, code: 'PEER_UNAVAILABLE', message: 'rank 1 closed its stream', at },
          { kind: 'resume', fromStep: step - 1, at },
          { kind: 'replay', step, generation, weightsCrc: crcOf(step), at },
          { kind: 'evaluation', step, epoch: 0, testAccuracy: 0.5, testLoss: 1, at },
          { kind: 'checkpoint', step, weightsSha256: 'b'.repeat(64), at },
        ];
        const report = checkLedger([run, ...commits.slice(0, step), ...extras, ...commits.slice(step)]);
        const samples = of.trainSamples * of.epochs;
        expect(report).toMatchObject({ run: 'demo', clean: true, problems: [], faults: 1, replays: 1 });
        expect(report).toMatchObject({ expected: samples, committed: samples, missing: 0, duplicated: 0, foreign: 0 });
        expect(report.steps).toBe(commits.length);
      }),
    );
  });

  it('misses one sample when any one is removed', () => {
    fc.assert(
      fc.property(shape, fc.nat(), fc.nat(), (of, position, place) => {
        const [run, ...commits] = ledgerOf(of) as [RunRecord, ...CommitRecord[]];
        const victim = pick(commits, position);
        const removed = pick([...victim.samples], place);
        const edited = commits.map((commit) =>
          commit === victim ? withSamples(commit, (ids) => ids.filter((id) => id !== removed)) : commit,
        );
        const report = checkLedger([run, ...edited]);
        expect(report).toMatchObject({ missing: 1, duplicated: 0, foreign: 0, clean: false });
        expect(report.epochs[victim.epoch]).toMatchObject({ missing: 1, examples: { missing: [removed] } });
      }),
    );
  });

  it('counts one duplicate when any one is repeated, wherever in its epoch', () => {
    fc.assert(
      fc.property(shape, fc.nat(), fc.nat(), fc.nat(), (of, position, place, elsewhere) => {
        const [run, ...commits] = ledgerOf(of) as [RunRecord, ...CommitRecord[]];
        const source = pick(commits, position);
        const repeated = pick([...source.samples], place);
        const target = pick(
          commits.filter(({ epoch }) => epoch === source.epoch),
          elsewhere,
        );
        const edited = commits.map((commit) =>
          commit === target ? withSamples(commit, (ids) => [...ids, repeated]) : commit,
        );
        const report = checkLedger([run, ...edited]);
        expect(report).toMatchObject({ missing: 0, duplicated: 1, foreign: 0, clean: false });
        expect(report.epochs[source.epoch]).toMatchObject({ duplicated: 1, examples: { duplicated: [repeated] } });
      }),
    );
  });

  it('misses a whole step when any commit is dropped', () => {
    fc.assert(
      fc.property(shape, fc.nat(), (of, position) => {
        const [run, ...commits] = ledgerOf(of) as [RunRecord, ...CommitRecord[]];
        const victim = pick(commits, position);
        const report = checkLedger([run, ...commits.filter((commit) => commit !== victim)]);
        expect(report).toMatchObject({ missing: victim.samples.length, duplicated: 0, clean: false });
        const hasGap = report.problems.some((problem) => problem.startsWith(`step ${victim.step} is not committed`));
        expect(hasGap).toBe(victim.step < commits.length);
      }),
    );
  });

  it('notices two commits that changed places', () => {
    fc.assert(
      fc.property(shape, fc.nat(), (of, position) => {
        const [run, ...commits] = ledgerOf(of) as [RunRecord, ...CommitRecord[]];
        fc.pre(commits.length > 1);
        const first = position % (commits.length - 1);
        const [left, right] = commits.slice(first, first + 2) as [CommitRecord, CommitRecord];
        const report = checkLedger([run, ...commits.slice(0, first), right, left, ...commits.slice(first + 2)]);
        expect(report).toMatchObject({ missing: 0, duplicated: 0, clean: false });
        expect(report.problems).toContain(`step ${left.step} is committed after step ${right.step}`);
      }),
    );
  });

  const small: Shape = { trainSamples: 4, globalBatch: 2, epochs: 2 };

  it('counts a commit that stands twice as repeated samples', () => {
    const [run, first, ...rest] = ledgerOf(small) as [RunRecord, CommitRecord, ...CommitRecord[]];
    const report = checkLedger([run, first, first, ...rest]);
    expect(report).toMatchObject({ duplicated: 2, missing: 0, steps: 5 });
    expect(report.problems[0]).toBe('step 1 is committed more than once');
    expect(report.contradictions).toEqual(report.problems);
  });

  describe('a run that was extended', () => {
    const extended = { ...small, epochs: 4 };
    const [run] = ledgerOf(small) as [RunRecord];
    const commits = commitsOf(extended);
    const change: LedgerRecord = { kind: 'change', afterStep: 4, epochs: { from: 2, to: 4 }, at };
    const end: LedgerRecord = { kind: 'end', reason: 'finished', step: 4, at };

    it('has every sample of every epoch, also of those that it did not have at its start', () => {
      const records = [run, ...commits.slice(0, 4), end, { kind: 'resume', fromStep: 4, at } as const, change];
      expect(checkLedger(records)).toMatchObject({ clean: false, contradictions: [], missing: 8, changes: 1 });
      expect(checkLedger([...records, ...commits.slice(4)])).toMatchObject({
        clean: true,
        expected: 16,
        committed: 16,
      });
    });

    it('may not have what it was not extended to, nor before it was', () => {
      expect(checkLedger([run, ...commits])).toMatchObject({ clean: false, foreign: 8 });
      const late = checkLedger([run, ...commits.slice(0, 5), change, ...commits.slice(5)]);
      expect(late.problems).toContain('step 5 is committed, but the run has 4 steps');
      expect(late.problems).toContain('a change holds from step 5 on, but step 5 was committed before it was recorded');
    });

    it('knows what it extends', () => {
      const wrong: LedgerRecord = { kind: 'change', afterStep: 4, epochs: { from: 3, to: 4 }, at };
      expect(checkLedger([run, ...commits.slice(0, 4), wrong, ...commits.slice(4)]).problems).toEqual([
        'a change extends a run of 3 epochs, but the run has 2',
      ]);
    });
  });

  it('counts ids that the dataset lacks and epochs that the run lacks as foreign', () => {
    const [run, ...commits] = ledgerOf(small) as [RunRecord, ...CommitRecord[]];
    const strange = commits.map((commit) => (commit.step === 1 ? withSamples(commit, (ids) => [...ids, 4]) : commit));
    const beyond: CommitRecord = { ...(commits[0] as CommitRecord), step: 5, epoch: 2 };
    const report = checkLedger([run, ...strange, beyond]);
    expect(report).toMatchObject({ foreign: 3, missing: 0, duplicated: 0, clean: false });
    expect(report.problems).toEqual([
      'step 1 has 3 samples, the plan says 2',
      'step 5 is committed, but the run has 4 steps',
      'epoch 1: 1 sample ids are held out or beyond the last one, e.g. 4',
    ]);
  });

  it('expects the ids that are not held out, and finds any held-out one that was trained on', () => {
    const heldOut = fc.uniqueArray(fc.nat(70), { maxLength: 20 });
    fc.assert(
      fc.property(shape, heldOut, fc.nat(), (of, held, position) => {
        const isHeldOut = new Set(held);
        const trained = Array.from({ length: 200 }, (_, id) => id).filter((id) => !isHeldOut.has(id));
        const [run, ...commits] = ledgerOf(of) as [RunRecord, ...CommitRecord[]];
        const split: RunRecord = { ...run, heldOut: Uint32Array.from(held).sort() };
        const moved = commits.map((commit) => withSamples(commit, (ids) => ids.map((id) => trained[id]!)));
        expect(checkLedger([split, ...moved])).toMatchObject({ clean: true, expected: of.trainSamples * of.epochs });

        fc.pre(held.length > 0);
        const victim = pick(moved, position);
        const leaked = moved.map((commit) =>
          commit === victim ? withSamples(commit, (ids) => [pick(held, position), ...ids.slice(1)]) : commit,
        );
        expect(checkLedger([split, ...leaked])).toMatchObject({ clean: false, foreign: 1, missing: 1, duplicated: 0 });
      }),
    );
  });

  it('says in plain words what an unfinished run lacks', () => {
    const large: Shape = { trainSamples: 2000, globalBatch: 500, epochs: 5 };
    const records = ledgerOf(large).slice(0, 1 + 5);
    const report = checkLedger(records);
    expect(report).toMatchObject({ clean: false, committed: 2500, missing: 7500, steps: 5 });
    expect(report.epochs[1]?.examples.missing).toHaveLength(5);
    expect(report.problems).toEqual([
      expect.stringMatching(/^epoch 2: 1,500 of 2,000 samples are missing, e\.g\. \d+, \d+, \d+, \d+, \d+$/),
      'epochs 3 to 5 have no commit: all 2,000 samples of each are missing',
    ]);
  });

  it('holds a replay to the weights of its commit', () => {
    const [run, first, ...rest] = ledgerOf(small) as [RunRecord, CommitRecord, ...CommitRecord[]];
    const replay: LedgerRecord = { kind: 'replay', step: 1, generation: 3, weightsCrc: 'deadbeef', at };
    expect(checkLedger([run, first, replay, ...rest]).problems).toEqual([
      'the replay of step 1 in generation 3 has weights deadbeef, expected 00000001 as committed: ' +
        'the run is not reproducible on these machines',
    ]);
    expect(checkLedger([run, { ...replay, weightsCrc: crcOf(1) }, first, ...rest]).problems).toEqual([
      'step 1 is replayed before it is committed',
    ]);
  });

  it('notices an epoch that comes back and a second run record', () => {
    const [run, a, b, c, d] = ledgerOf(small) as [RunRecord, CommitRecord, CommitRecord, CommitRecord, CommitRecord];
    const report = checkLedger([run, a, { ...c, step: 2 }, { ...b, step: 3 }, run, d]);
    expect(report).toMatchObject({ missing: 0, duplicated: 0, clean: false });
    expect(report.problems).toEqual([
      'the ledger has 2 "run" records, expected 1',
      'step 2 is of epoch 2, the plan says epoch 1',
      'step 3 belongs to epoch 1, but epoch 2 had begun',
      'step 3 is of epoch 1, the plan says epoch 2',
    ]);
  });

  it('notices any two samples that changed places, in one step or between steps of an epoch', () => {
    fc.assert(
      fc.property(shape, fc.nat(), fc.nat(), fc.nat(), (of, position, one, other) => {
        const [run, ...commits] = ledgerOf(of) as [RunRecord, ...CommitRecord[]];
        const { epoch } = pick(commits, position);
        const order = commits.filter((commit) => commit.epoch === epoch).flatMap(({ samples }) => [...samples]);
        const [first, second] = [pick(order, one), pick(order, other)];
        fc.pre(first !== second);
        const swap = (id: number): number => (id === first ? second : id === second ? first : id);
        const edited = commits.map((commit) =>
          commit.epoch === epoch ? withSamples(commit, (ids) => ids.map(swap)) : commit,
        );
        const report = checkLedger([run, ...edited]);
        expect(report).toMatchObject({ missing: 0, duplicated: 0, foreign: 0, clean: false });
        expect(report.contradictions[0]).toMatch(/^step \d+ has sample \d+ in place \d+, the plan says sample \d+$/);
      }),
    );
  });

  it('tells what a run that goes on will mend from what nothing can', () => {
    const records = ledgerOf({ trainSamples: 10, globalBatch: 3, epochs: 3 });
    const report = checkLedger(records.slice(0, 6));
    expect(report).toMatchObject({ clean: false, contradictions: [] });
    expect(report.problems).toHaveLength(2);
  });

  it('expects an evaluation and a checkpoint after the commit of their step', () => {
    const [run, first, ...rest] = ledgerOf(small) as [RunRecord, CommitRecord, ...CommitRecord[]];
    const early: LedgerRecord[] = [
      { kind: 'evaluation', step: 2, epoch: 0, testAccuracy: 0.5, testLoss: 1, at },
      { kind: 'checkpoint', step: 4, weightsSha256: 'b'.repeat(64), at },
    ];
    expect(checkLedger([run, first, ...early, ...rest]).problems).toEqual([
      'an evaluation of step 2 comes before that step is committed',
      'a checkpoint of step 4 comes before that step is committed',
    ]);
  });

  it('names the first hundred problems of a ledger that is wrong throughout', () => {
    const [run, ...commits] = ledgerOf({ trainSamples: 300, globalBatch: 1, epochs: 1 }) as [
      RunRecord,
      ...CommitRecord[],
    ];
    const report = checkLedger([run, ...commits.map((commit) => withSamples(commit, ([id]) => [(id! + 1) % 300]))]);
    expect(report.problems).toHaveLength(101);
    expect(report.problems[100]).toBe('and 200 more problems of this kind');
  });

  it('judges nothing without a first run record', () => {
    const [run, ...commits] = ledgerOf(small);
    expect(checkLedger([])).toMatchObject({ run: undefined, clean: false, problems: ['the ledger is empty'] });
    expect(checkLedger([...commits, run as LedgerRecord])).toMatchObject({
      run: undefined,
      clean: false,
      steps: 4,
      problems: ['the first record is "commit", expected "run"'],
    });
  });
});
