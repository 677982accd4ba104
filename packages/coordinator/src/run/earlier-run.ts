/**
 * What the ledger and the checkpoint of an earlier coordinator mean for this one: the committed steps, where to go on,
 * what was achieved, and whether there is anything left to do. A ledger that is not what the plan and its own records say
 * is refused before anything is trained. Records come one at a time, and none is kept. Pure but for the checksum of the
 * weights.
 */
import {
  formatCrc32,
  momentsCrc,
  LedgerChecker,
  stateCrc,
  TrainingError,
  type ChangeRecord,
  type LedgerRecord,
  type Plan,
} from '@facet/shared';
import type { Checkpoint } from '@facet/storage';
import type { CommittedStep } from '../commit/commit-log.js';
import type { HeldState } from '../membership/state.js';
import { EarlierEffort, type EffortTotals } from './earlier-effort.js';
import type { BestChoice } from '../evaluation/best-evaluation.js';
import { History } from './history.js';

export interface EarlierRun {
  readonly committed: readonly CommittedStep[];
  readonly evaluatedSteps: readonly number[];
  /** No generation up to this one is formed again. */
  readonly generation: number;
  /** How many coordinators led the run before, by its ledger. The next one's term is one more. */
  readonly terms: number;
  readonly checkpoint: HeldState | undefined;
  readonly isFinished: boolean;
  /** Whether the ledger says that the run has finished. */
  readonly isEnded: boolean;
  /** What earlier resumes changed, as the ledger has it. */
  readonly changes: readonly ChangeRecord[];
  /** Of what was committed and evaluated; whoever goes on adds to it. */
  readonly history: History;
  readonly effort: EffortTotals;
}

/**
 * Generations that an earlier coordinator may have formed after the last one in its ledger: only one that commits or fails
 * leaves a record, and a number that is used twice would let a worker that slept through the restart meet the wrong peers.
 */
const UNRECORDED_GENERATIONS = 1_000;

export class EarlierRunReader {
  readonly #plan: Plan;
  readonly #checker = new LedgerChecker();
  readonly #history: History;
  readonly #effort: EarlierEffort;
  readonly #committed: CommittedStep[] = [];
  readonly #evaluatedSteps: number[] = [];
  #first: LedgerRecord | undefined;
  #generation = 0;
  #terms = 0;
  #isEnded = false;
  readonly #changes: ChangeRecord[] = [];

  /** @param choice which evaluation is the best */
  constructor(plan: Plan, choice?: BestChoice) {
    this.#plan = plan;
    this.#history = new History(plan, choice);
    this.#effort = new EarlierEffort(plan);
  }

  /** The ledger's first record; undefined when it is empty. */
  get first(): LedgerRecord | undefined {
    return this.#first;
  }

  /** Takes in the next record of the ledger. */
  add(record: LedgerRecord): void {
    this.#first ??= record;
    this.#checker.add(record);
    this.#history.addRecord(record);
    this.#effort.add(record);
    if ('generation' in record) this.#generation = Math.max(this.#generation, record.generation);
    if (record.kind === 'run' || record.kind === 'resume') this.#terms += 1;
    if (record.kind === 'resume') this.#generation += UNRECORDED_GENERATIONS;
    if (record.kind === 'evaluation' || record.kind === 'held-out-evaluation') this.#evaluatedSteps.push(record.step);
    if (record.kind === 'end' && record.reason === 'finished') this.#isEnded = true;
    if (record.kind === 'change') {
      this.#changes.push(record);
      this.#isEnded = false;
    }
    if (record.kind !== 'commit') return;
    const { step, generation, weightsCrc, momentsCrc } = record;
    this.#committed.push({
      step,
      generation,
      weightsCrc: Number.parseInt(weightsCrc, 16),
      momentsCrc: momentsCrc === undefined ? undefined : Number.parseInt(momentsCrc, 16),
    });
  }

  /**
   * All records are read.
   *
   * @throws TrainingError LEDGER_INVALID when they are not what the plan says, or contradict each other;
   *   CHECKPOINT_INCOMPATIBLE when the checkpoint is not one of this ledger.
   */
  finish(checkpoint: Pick<Checkpoint, 'state' | 'path'> | undefined): EarlierRun {
    if (this.#first !== undefined) this.#requireSound();
    const committed = this.#committed;
    const evaluatedSteps = this.#evaluatedSteps;
    const { totalSteps } = this.#plan;
    const held = checkpoint === undefined ? undefined : checkCheckpoint(checkpoint, committed);
    const isComplete = committed.length === totalSteps && evaluatedSteps.includes(totalSteps);
    return {
      committed,
      evaluatedSteps,
      generation: this.#first === undefined ? 0 : this.#generation + UNRECORDED_GENERATIONS,
      terms: this.#terms,
      checkpoint: held,
      isFinished: isComplete && held?.step === totalSteps,
      isEnded: this.#isEnded,
      changes: this.#changes,
      history: this.#history,
      effort: this.#effort.totals,
    };
  }

  #requireSound(): void {
    const { run, contradictions } = this.#checker.report();
    const [first] = contradictions;
    if (first === undefined) return;
    const more = contradictions.length === 1 ? '' : ` (and ${contradictions.length - 1} more problems)`;
    const advice = 'see `facet ledger check`; restore the ledger from a copy, or start a new run';
    throw new TrainingError('LEDGER_INVALID', `the ledger of run ${run ?? '?'} is wrong: ${first}${more}; ${advice}`);
  }
}

/** Reads an earlier coordinator's ledger whose records are at hand; see EarlierRunReader. */
export function readEarlierRun(
  records: Iterable<LedgerRecord>,
  checkpoint: Pick<Checkpoint, 'state' | 'path'> | undefined,
  plan: Plan,
): EarlierRun {
  const reader = new EarlierRunReader(plan);
  for (const record of records) reader.add(record);
  return reader.finish(checkpoint);
}

/** The record of a coordinator that resumes. The next one counts it, so it is written before any worker can join. */
export function resumeRecord({ checkpoint }: EarlierRun, at: string): LedgerRecord {
  return { kind: 'resume', fromStep: checkpoint?.step ?? 0, at };
}

function checkCheckpoint(
  { state, path }: Pick<Checkpoint, 'state' | 'path'>,
  committed: readonly CommittedStep[],
): HeldState {
  const { step } = state;
  const weightsCrc = stateCrc(state);
  if (step === 0) return { step, weightsCrc };
  const record = committed[step - 1];
  if (record === undefined) {
    throw new TrainingError(
      'CHECKPOINT_INCOMPATIBLE',
      `checkpoint ${path} is of step ${step}, but the ledger ends at step ${committed.length}; restore the ledger that belongs to it, or remove the checkpoint`,
    );
  }
  requireCommitted({ path, step, what: 'weights', actual: weightsCrc, committed: record.weightsCrc });
  requireCommitted({ path, step, what: 'moments', actual: momentsCrc(state), committed: record.momentsCrc });
  return { step, weightsCrc };
}

interface StoredChecksum {
  readonly path: string;
  readonly step: number;
  readonly what: 'weights' | 'moments';
  readonly actual: number;
  /** Undefined in ledgers of earlier versions. */
  readonly committed: number | undefined;
}

function requireCommitted({ path, step, what, actual, committed }: StoredChecksum): void {
  if (committed === undefined || actual === committed) return;
  throw new TrainingError(
    'CHECKPOINT_INCOMPATIBLE',
    `checkpoint ${path} holds ${what} ${formatCrc32(actual)}, the ledger says ${formatCrc32(committed)} for step ${step}; remove the checkpoint to go on from an earlier one`,
  );
}
