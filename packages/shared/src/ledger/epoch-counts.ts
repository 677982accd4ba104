/**
 * How often each training sample was committed in each epoch, counted without the plan. What is in memory of an epoch is a
 * bit per sample, in pages that are made when they are needed, and nothing once the epoch is complete.
 */
import type { CommitRecord, RunRecord } from './ledger-record.js';

const MAX_EXAMPLES = 5;
const PAGE_IDS = 4_096;
const WORD_BITS = 32;

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

/** The counts of all epochs. */
export interface CountsReport {
  readonly epochs: readonly EpochReport[];
  readonly totals: Pick<EpochReport, 'expected' | 'committed' | 'missing' | 'duplicated' | 'foreign'>;
  /** One sentence for each kind of sample that should not be where it is. */
  readonly strays: readonly string[];
  /** One sentence for each epoch that lacks samples; those that nothing was committed to are one sentence. */
  readonly missing: readonly string[];
}

export class EpochCounts {
  readonly #trained: TrainedIds;
  #epochCount: number;
  readonly #epochs = new Map<number, EpochCount>();
  #beyondLastEpoch = 0;

  constructor(run: RunRecord) {
    this.#trained = trainedIds(run);
    this.#epochCount = run.epochs;
  }

  /** From here on the run has so many epochs. */
  setEpochs(epochs: number): void {
    this.#epochCount = epochs;
  }

  add({ epoch, samples }: CommitRecord): void {
    if (epoch >= this.#epochCount) {
      this.#beyondLastEpoch += samples.length;
      return;
    }
    let count = this.#epochs.get(epoch);
    if (count === undefined) {
      count = new EpochCount(this.#trained);
      this.#epochs.set(epoch, count);
    }
    for (const id of samples) count.add(id);
  }

  report(): CountsReport {
    const nothing = new EpochCount(this.#trained);
    const epochs = Array.from({ length: this.#epochCount }, (_, epoch) =>
      (this.#epochs.get(epoch) ?? nothing).report(epoch),
    );
    const total = (field: keyof CountsReport['totals']): number => epochs.reduce((sum, epoch) => sum + epoch[field], 0);
    return {
      epochs,
      totals: {
        expected: total('expected'),
        committed: total('committed'),
        missing: total('missing'),
        duplicated: total('duplicated'),
        foreign: total('foreign') + this.#beyondLastEpoch,
      },
      strays: epochs.flatMap(describeStrays),
      missing: describeMissing(epochs),
    };
  }
}

/** The training samples are the first ids that are not held out. */
interface TrainedIds {
  readonly expected: number;
  readonly isTrained: (id: number) => boolean;
}

function trainedIds({ trainSamples: expected, heldOut = new Uint32Array() }: RunRecord): TrainedIds {
  let end = expected;
  // Every held-out id in between moves the end one further.
  for (const id of heldOut.toSorted()) if (id < end) end += 1;
  const isHeldOut = new Set(heldOut);
  return { expected, isTrained: (id) => id < end && !isHeldOut.has(id) };
}

/** One epoch. */
class EpochCount {
  readonly #trained: TrainedIds;
  readonly #committedIds = new IdSet();
  readonly #examples = { duplicated: [] as number[], foreign: [] as number[] };
  #committed = 0;
  #duplicated = 0;
  #foreign = 0;

  constructor(trained: TrainedIds) {
    this.#trained = trained;
  }

  add(id: number): void {
    const { expected, isTrained } = this.#trained;
    if (!isTrained(id)) {
      this.#foreign += 1;
      note(this.#examples.foreign, id);
    } else if (this.#committed === expected || !this.#committedIds.add(id)) {
      this.#duplicated += 1;
      note(this.#examples.duplicated, id);
    } else {
      this.#committed += 1;
      // From here on every id is one too many.
      if (this.#committed === expected) this.#committedIds.clear();
    }
  }

  report(epoch: number): EpochReport {
    const { expected, isTrained } = this.#trained;
    const missing = expected - this.#committed;
    const missed: number[] = [];
    for (let id = 0; missed.length < Math.min(missing, MAX_EXAMPLES); id += 1) {
      if (isTrained(id) && !this.#committedIds.has(id)) missed.push(id);
    }
    return {
      epoch,
      expected,
      committed: this.#committed,
      missing,
      duplicated: this.#duplicated,
      foreign: this.#foreign,
      examples: { missing: missed, ...this.#examples },
    };
  }
}

/** A set of u32, one bit each. */
class IdSet {
  readonly #pages = new Map<number, Uint32Array>();

  has(id: number): boolean {
    const page = this.#pages.get(Math.floor(id / PAGE_IDS));
    return page !== undefined && (page[wordOf(id)]! & bitOf(id)) !== 0;
  }

  /** False when it was there already. */
  add(id: number): boolean {
    const number = Math.floor(id / PAGE_IDS);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = new Uint32Array(PAGE_IDS / WORD_BITS);
      this.#pages.set(number, page);
    }
    const word = wordOf(id);
    const isNew = (page[word]! & bitOf(id)) === 0;
    page[word]! |= bitOf(id);
    return isNew;
  }

  clear(): void {
    this.#pages.clear();
  }
}

function wordOf(id: number): number {
  return Math.floor((id % PAGE_IDS) / WORD_BITS);
}

function bitOf(id: number): number {
  return 1 << (id % WORD_BITS);
}

function note(ids: number[], id: number): void {
  if (ids.length < MAX_EXAMPLES && !ids.includes(id)) ids.push(id);
}

function describeStrays({ epoch, duplicated, foreign, examples }: EpochReport): string[] {
  const problems: string[] = [];
  if (duplicated > 0) {
    problems.push(
      `epoch ${epoch + 1}: samples are repeated ${grouped(duplicated)} times, e.g. ${list(examples.duplicated)}`,
    );
  }
  if (foreign > 0) {
    const fault = `${grouped(foreign)} sample ids are held out or beyond the last one`;
    problems.push(`epoch ${epoch + 1}: ${fault}, e.g. ${list(examples.foreign)}`);
  }
  return problems;
}

function describeMissing(epochs: readonly EpochReport[]): string[] {
  // The epochs that an unfinished run has not reached are one fact, not one problem each.
  const reached = epochs.findLastIndex(({ committed, foreign }) => committed + foreign > 0) + 1;
  const problems = epochs.slice(0, reached).flatMap(({ epoch, missing, expected, examples }) => {
    if (missing === 0) return [];
    const fault = `${grouped(missing)} of ${grouped(expected)} samples are missing`;
    return [`epoch ${epoch + 1}: ${fault}, e.g. ${list(examples.missing)}`];
  });
  const unreached = epochs[reached];
  if (unreached === undefined) return problems;
  const last = epochs.length - 1;
  const samples = `all ${grouped(unreached.expected)} samples`;
  problems.push(
    reached === last
      ? `epoch ${reached + 1} has no commit: ${samples} are missing`
      : `epochs ${reached + 1} to ${last + 1} have no commit: ${samples} of each are missing`,
  );
  return problems;
}

function list(ids: readonly number[]): string {
  return ids.join(', ');
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
