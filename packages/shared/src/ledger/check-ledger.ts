/**
 * The independent proof that a run used every training sample exactly once per epoch, each in the step that the plan gives
 * it, and no held-out one ever. It knows nothing but the ledger: the plan follows from its first record. Counting and
 * comparing with the plan do not lean on each other. Records come one at a time; memory is some bytes per step and at most
 * one bit per sample of each epoch that is not complete. It finds faults; it repairs and decides nothing.
 */
import { createTrainingOrder, type TrainingOrder } from '../plan/training-order.js';
import { EpochCounts, type EpochReport } from './epoch-counts.js';
import type { ChangeRecord, CommitRecord, LedgerRecord, RunRecord } from './ledger-record.js';

/** A ledger that is wrong throughout has a problem per line, and nobody reads more than the first ones. */
const MAX_PROBLEMS = 100;

/** The verdict on a ledger; `clean` is true exactly when `problems` is empty. */
export interface LedgerReport {
  /** The run's name when it began; undefined when the ledger does not say which run it is. */
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
  /** Resumes that changed what decides the arithmetic. */
  readonly changes: number;
  /** Why the run ended before its last epoch; undefined when it did not, or was extended later. */
  readonly earlyEnd: string | undefined;
  /** What no continuation of the run can mend, one sentence each, in the order of the ledger. */
  readonly contradictions: readonly string[];
  /** The contradictions, then what is missing, one sentence each. */
  readonly problems: readonly string[];
  readonly clean: boolean;
}

/** Checks records in ledger order. An unfinished run is not clean, because samples are missing. */
export function checkLedger(records: Iterable<LedgerRecord>): LedgerReport {
  const checker = new LedgerChecker();
  for (const record of records) checker.add(record);
  return checker.report();
}

export class LedgerChecker {
  readonly #contradictions: string[] = [];
  #contradictionCount = 0;
  #firstKind: LedgerRecord['kind'] | undefined;
  #run: RunRecord | undefined;
  #order: TrainingOrder | undefined;
  #counts: EpochCounts | undefined;
  #runRecords = 0;
  #steps = 0;
  #faults = 0;
  #replays = 0;
  /** The weights after each committed step. */
  readonly #weightsCrcs = new Map<number, string>();
  #lastStep = 0;
  #lastEpoch = 0;
  /** Of the whole run, as far as it is known. */
  #epochs = 0;
  #changes = 0;
  #earlyEnd: string | undefined;

  /** Takes in the next record. */
  add(record: LedgerRecord): void {
    this.#firstKind ??= record.kind;
    switch (record.kind) {
      case 'run':
        this.#addRun(record);
        break;
      case 'commit':
        this.#addCommit(record);
        break;
      case 'replay': {
        this.#replays += 1;
        const { step, generation, weightsCrc } = record;
        const expected = this.#weightsCrcs.get(step);
        if (expected === undefined) {
          this.#contradict(`step ${step} is replayed before it is committed`);
        } else if (expected !== weightsCrc) {
          this.#contradict(
            `the replay of step ${step} in generation ${generation} has weights ${weightsCrc}, ` +
              `expected ${expected} as committed: the run is not reproducible on these machines`,
          );
        }
        break;
      }
      case 'evaluation':
      case 'held-out-evaluation':
      case 'checkpoint':
        if (record.step > 0 && !this.#weightsCrcs.has(record.step)) {
          const what = record.kind === 'checkpoint' ? 'a checkpoint' : 'an evaluation';
          this.#contradict(`${what} of step ${record.step} comes before that step is committed`);
        }
        break;
      case 'fault':
        this.#faults += 1;
        break;
      case 'change':
        this.#addChange(record);
        break;
      case 'leave':
      case 'resume':
      case 'generation':
      case 'end':
        break;
      default:
        record satisfies never;
    }
  }

  /** The verdict on the records so far. */
  report(): LedgerReport {
    const records = {
      steps: this.#steps,
      faults: this.#faults,
      replays: this.#replays,
      changes: this.#changes,
      earlyEnd: this.#earlyEnd,
    };
    if (this.#counts === undefined) {
      const problem =
        this.#firstKind === undefined
          ? 'the ledger is empty'
          : `the first record is "${this.#firstKind}", expected "run"`;
      const none = { epochs: [], expected: 0, committed: 0, missing: 0, duplicated: 0, foreign: 0 };
      return { run: undefined, ...none, ...records, contradictions: [problem], problems: [problem], clean: false };
    }
    const { totals, epochs, strays, missing } = this.#counts.report();
    const contradictions = [
      ...(this.#runRecords > 1 ? [`the ledger has ${this.#runRecords} "run" records, expected 1`] : []),
      ...this.#listed(),
      ...strays,
    ];
    const problems = [...contradictions, ...missing];
    const { run } = this.#run!;
    return { run, epochs, ...totals, ...records, contradictions, problems, clean: problems.length === 0 };
  }

  #addRun(record: RunRecord): void {
    this.#runRecords += 1;
    if (this.#firstKind !== 'run' || this.#run !== undefined) return;
    this.#run = record;
    this.#epochs = record.epochs;
    this.#order = orderOf(record, record.epochs);
    this.#counts = new EpochCounts(record);
  }

  /** A change holds for steps to come alone, and it must know what it changes. */
  #addChange({ afterStep, epochs, reason }: ChangeRecord): void {
    this.#changes += 1;
    if (afterStep < this.#lastStep) {
      this.#contradict(
        `a change holds from step ${afterStep + 1} on, but step ${this.#lastStep} was committed before it was recorded`,
      );
    }
    if (epochs === undefined || this.#run === undefined) return;
    this.#earlyEnd = reason;
    if (epochs.from !== this.#epochs) {
      this.#contradict(`a change extends a run of ${epochs.from} epochs, but the run has ${this.#epochs}`);
    }
    const lastStep = epochs.to * (this.#order?.stepsPerEpoch ?? 0);
    if (epochs.to < epochs.from && afterStep !== lastStep) {
      this.#contradict(
        `the run ends early with step ${afterStep}, but its ${epochs.to} epochs end with step ${lastStep}`,
      );
    }
    this.#epochs = epochs.to;
    this.#order = orderOf(this.#run, epochs.to);
    this.#counts?.setEpochs(epochs.to);
  }

  #addCommit(record: CommitRecord): void {
    const { step, epoch, weightsCrc } = record;
    this.#steps += 1;
    if (this.#weightsCrcs.has(step)) this.#contradict(`step ${step} is committed more than once`);
    else if (step < this.#lastStep) this.#contradict(`step ${step} is committed after step ${this.#lastStep}`);
    else if (step > this.#lastStep + 1) this.#contradict(describeGap(this.#lastStep, step));
    if (epoch < this.#lastEpoch) {
      this.#contradict(`step ${step} belongs to epoch ${epoch + 1}, but epoch ${this.#lastEpoch + 1} had begun`);
    }
    if (!this.#weightsCrcs.has(step)) this.#weightsCrcs.set(step, weightsCrc);
    this.#lastStep = Math.max(this.#lastStep, step);
    this.#lastEpoch = Math.max(this.#lastEpoch, epoch);
    if (this.#order === undefined) return;
    const deviation = deviationOf(record, this.#order);
    if (deviation !== undefined) this.#contradict(deviation);
    this.#counts?.add(record);
  }

  #contradict(problem: string): void {
    this.#contradictionCount += 1;
    if (this.#contradictions.length < MAX_PROBLEMS) this.#contradictions.push(problem);
  }

  #listed(): string[] {
    const more = this.#contradictionCount - this.#contradictions.length;
    return more === 0 ? this.#contradictions : [...this.#contradictions, `and ${more} more problems of this kind`];
  }
}

/** The order of a run of so many epochs; that of an epoch does not depend on their number. */
function orderOf(
  { seed, globalBatch, trainSamples, heldOut = new Uint32Array() }: RunRecord,
  epochs: number,
): TrainingOrder {
  return createTrainingOrder({ seed, epochs, globalBatch, trainSamples, heldOut: heldOut.toSorted() });
}

/** How a commit differs from the plan; undefined when it is exactly the plan's step. */
function deviationOf({ step, epoch, samples }: CommitRecord, order: TrainingOrder): string | undefined {
  if (step > order.totalSteps) return `step ${step} is committed, but the run has ${order.totalSteps} steps`;
  const expectedEpoch = order.epochOf(step);
  if (epoch !== expectedEpoch) return `step ${step} is of epoch ${epoch + 1}, the plan says epoch ${expectedEpoch + 1}`;
  const count = order.sampleCount(step);
  if (samples.length !== count) return `step ${step} has ${samples.length} samples, the plan says ${count}`;
  const expected = order.samplesOf(step);
  const place = samples.findIndex((id, index) => id !== expected[index]);
  if (place < 0) return undefined;
  return `step ${step} has sample ${samples[place]} in place ${place}, the plan says sample ${expected[place]}`;
}

function describeGap(lastStep: number, step: number): string {
  const first = lastStep + 1;
  const gap = first === step - 1 ? `step ${first} is` : `steps ${first} to ${step - 1} are`;
  return `${gap} not committed before step ${step}`;
}
