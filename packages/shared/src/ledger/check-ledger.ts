/**
 * The independent proof that a run used every training sample exactly once per epoch, and no held-out one ever. It knows
 * nothing but the ledger: no plan, no seed, no weights. Memory is one byte per sample and started epoch. It finds faults; it
 * repairs and decides nothing.
 */
import type { CommitRecord, LedgerRecord, RunRecord } from './ledger-record.js';

const MAX_EXAMPLES = 5;

/** What one epoch should hold and holds. `expected` is always `committed` + `missing`. */
export interface EpochReport {
  /** 0-based. */
  readonly epoch: number;
  readonly expected: number;
  /** Different training samples that were committed. */
  readonly committed: number;
  readonly missing: number;
  /** Commits of a sample beyond its first. */
  readonly duplicated: number;
  /** Ids that are not trained on: held out, or beyond the last one. */
  readonly foreign: number;
  /** Up to 5 ids of each fault, for messages. */
  readonly examples: {
    readonly missing: readonly number[];
    readonly duplicated: readonly number[];
    readonly foreign: readonly number[];
  };
}

/** The verdict on a ledger; `clean` is true exactly when `problems` is empty. */
export interface LedgerReport {
  /** The run's name; undefined when the ledger does not say which run it is. */
  readonly run: string | undefined;
  readonly epochs: readonly EpochReport[];
  readonly expected: number;
  readonly committed: number;
  readonly missing: number;
  readonly duplicated: number;
  /** Ids that are not trained on, and all ids of epochs that the run does not have. */
  readonly foreign: number;
  /** Commit records. */
  readonly steps: number;
  readonly faults: number;
  readonly replays: number;
  /** One sentence each, in the order in which a reader should look at them. */
  readonly problems: readonly string[];
  readonly clean: boolean;
}

/** Checks records in ledger order. An unfinished run is not clean, because samples are missing. */
export function checkLedger(records: readonly LedgerRecord[]): LedgerReport {
  const [run] = records;
  if (run?.kind !== 'run') {
    return unreadableReport(
      records,
      run === undefined ? 'the ledger is empty' : `the first record is "${run.kind}", expected "run"`,
    );
  }
  const problems = [...checkOrder(records), ...checkReplays(records)];
  const { epochs, strayIds, strayProblems } = countSamples(run, records.filter(isCommit));
  problems.push(...strayProblems, ...describeEpochs(epochs));
  return {
    run: run.run,
    epochs,
    expected: total(epochs, 'expected'),
    committed: total(epochs, 'committed'),
    missing: total(epochs, 'missing'),
    duplicated: total(epochs, 'duplicated'),
    foreign: total(epochs, 'foreign') + strayIds,
    ...countRecords(records),
    problems,
    clean: problems.length === 0,
  };
}

function unreadableReport(records: readonly LedgerRecord[], problem: string): LedgerReport {
  const none = { expected: 0, committed: 0, missing: 0, duplicated: 0, foreign: 0 };
  return { run: undefined, epochs: [], ...none, ...countRecords(records), problems: [problem], clean: false };
}

function countRecords(records: readonly LedgerRecord[]): Pick<LedgerReport, 'steps' | 'faults' | 'replays'> {
  const ofKind = (kind: LedgerRecord['kind']): number => records.filter((record) => record.kind === kind).length;
  return { steps: ofKind('commit'), faults: ofKind('fault'), replays: ofKind('replay') };
}

function isCommit(record: LedgerRecord): record is CommitRecord {
  return record.kind === 'commit';
}

/** One 'run' record, steps 1, 2, 3, …, and epochs that never go back. */
function checkOrder(records: readonly LedgerRecord[]): string[] {
  const problems: string[] = [];
  const runs = records.filter((record) => record.kind === 'run').length;
  if (runs > 1) problems.push(`the ledger has ${runs} "run" records, expected 1`);
  const seen = new Set<number>();
  let lastStep = 0;
  let lastEpoch = 0;
  for (const { step, epoch } of records.filter(isCommit)) {
    if (seen.has(step)) problems.push(`step ${step} is committed more than once`);
    else if (step < lastStep) problems.push(`step ${step} is committed after step ${lastStep}`);
    else if (step > lastStep + 1) problems.push(describeGap(lastStep, step));
    if (epoch < lastEpoch) problems.push(`step ${step} belongs to epoch ${epoch}, but epoch ${lastEpoch} had begun`);
    seen.add(step);
    lastStep = Math.max(lastStep, step);
    lastEpoch = Math.max(lastEpoch, epoch);
  }
  return problems;
}

function describeGap(lastStep: number, step: number): string {
  const first = lastStep + 1;
  const gap = first === step - 1 ? `step ${first} is` : `steps ${first} to ${step - 1} are`;
  return `${gap} not committed before step ${step}`;
}

function checkReplays(records: readonly LedgerRecord[]): string[] {
  const problems: string[] = [];
  const committedCrcs = new Map<number, string>();
  for (const record of records) {
    if (record.kind === 'commit' && !committedCrcs.has(record.step)) committedCrcs.set(record.step, record.weightsCrc);
    if (record.kind !== 'replay') continue;
    const expected = committedCrcs.get(record.step);
    if (expected === undefined) {
      problems.push(`step ${record.step} is replayed before it is committed`);
    } else if (expected !== record.weightsCrc) {
      problems.push(
        `the replay of step ${record.step} in generation ${record.generation} has weights ${record.weightsCrc}, ` +
          `expected ${expected} as committed: the run is not reproducible on these machines`,
      );
    }
  }
  return problems;
}

interface SampleCount {
  readonly epochs: readonly EpochReport[];
  readonly strayIds: number;
  readonly strayProblems: readonly string[];
}

function countSamples(run: RunRecord, commits: readonly CommitRecord[]): SampleCount {
  const commitsOfEpoch = new Map<number, CommitRecord[]>();
  const strayProblems: string[] = [];
  let strayIds = 0;
  for (const commit of commits) {
    const { epoch, samples, step } = commit;
    if (epoch >= run.epochs) {
      strayIds += samples.length;
      strayProblems.push(`step ${step} is of epoch ${epoch}, expected 0 to ${run.epochs - 1}`);
    } else {
      const sameEpoch = commitsOfEpoch.get(epoch);
      if (sameEpoch === undefined) commitsOfEpoch.set(epoch, [commit]);
      else sameEpoch.push(commit);
    }
  }
  const trained = trainedIds(run);
  const epochs = Array.from({ length: run.epochs }, (_, epoch) =>
    countEpoch(epoch, trained, commitsOfEpoch.get(epoch) ?? []),
  );
  return { epochs, strayIds, strayProblems };
}

/** The training samples are the first ids that are not held out. */
interface TrainedIds {
  readonly expected: number;
  /** One more than the last id. */
  readonly end: number;
  readonly isTrained: (id: number) => boolean;
}

function trainedIds({ trainSamples: expected, heldOut = new Uint32Array() }: RunRecord): TrainedIds {
  let end = expected;
  // Every held-out id in between moves the end one further.
  for (const id of heldOut.toSorted()) if (id < end) end += 1;
  const isHeldOut = new Set(heldOut);
  return { expected, end, isTrained: (id) => id < end && !isHeldOut.has(id) };
}

function countEpoch(
  epoch: number,
  { expected, end, isTrained }: TrainedIds,
  commits: readonly CommitRecord[],
): EpochReport {
  const examples = { missing: [] as number[], duplicated: [] as number[], foreign: [] as number[] };
  const note = (ids: number[], id: number): void => {
    if (ids.length < MAX_EXAMPLES && !ids.includes(id)) ids.push(id);
  };
  const isCommitted = new Uint8Array(commits.length === 0 ? 0 : end);
  let committed = 0;
  let duplicated = 0;
  let foreign = 0;
  for (const { samples } of commits) {
    for (const id of samples) {
      if (!isTrained(id)) {
        foreign += 1;
        note(examples.foreign, id);
      } else if (isCommitted[id] === 1) {
        duplicated += 1;
        note(examples.duplicated, id);
      } else {
        isCommitted[id] = 1;
        committed += 1;
      }
    }
  }
  const missing = expected - committed;
  for (let id = 0; examples.missing.length < Math.min(missing, MAX_EXAMPLES); id += 1) {
    if (isTrained(id) && isCommitted[id] !== 1) examples.missing.push(id);
  }
  return { epoch, expected, committed, missing, duplicated, foreign, examples };
}

function describeEpochs(epochs: readonly EpochReport[]): string[] {
  // The epochs that an unfinished run has not reached are one fact, not one problem each.
  const reached = epochs.findLastIndex(({ committed, foreign }) => committed + foreign > 0) + 1;
  const problems = epochs.slice(0, reached).flatMap(describeEpoch);
  const unreached = epochs[reached];
  if (unreached !== undefined) {
    const last = epochs.length - 1;
    const samples = `all ${grouped(unreached.expected)} samples`;
    problems.push(
      reached === last
        ? `epoch ${reached} has no commit: ${samples} are missing`
        : `epochs ${reached} to ${last} have no commit: ${samples} of each are missing`,
    );
  }
  return problems;
}

function describeEpoch({ epoch, expected, missing, duplicated, foreign, examples }: EpochReport): string[] {
  const problems: string[] = [];
  const report = (fault: string, ids: readonly number[]): void => {
    problems.push(`epoch ${epoch}: ${fault}, e.g. ${ids.join(', ')}`);
  };
  if (missing > 0) report(`${grouped(missing)} of ${grouped(expected)} samples are missing`, examples.missing);
  if (duplicated > 0) report(`samples are repeated ${grouped(duplicated)} times`, examples.duplicated);
  if (foreign > 0) report(`${grouped(foreign)} sample ids are held out or beyond the last one`, examples.foreign);
  return problems;
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

function total(
  epochs: readonly EpochReport[],
  field: 'expected' | 'committed' | 'missing' | 'duplicated' | 'foreign',
): number {
  return epochs.reduce((sum, epoch) => sum + epoch[field], 0);
}
