/**
 * What the ledger and the checkpoint of an earlier coordinator mean for this one: the committed steps, where to go on,
 * and whether there is anything left to do. Pure but for the checksum of the weights.
 */
import { formatCrc32, stateCrc, TrainingError, type LedgerRecord, type Plan } from '@facet/shared';
import type { Checkpoint } from '../checkpoint/read-checkpoint.js';
import type { CommittedStep } from '../commit/commit-log.js';
import type { HeldState } from '../membership/state.js';

export interface EarlierRun {
  readonly committed: readonly CommittedStep[];
  readonly evaluatedSteps: readonly number[];
  /** No generation up to this one is formed again. */
  readonly generation: number;
  /** How many coordinators led the run before, by its ledger. The next one's term is one more. */
  readonly terms: number;
  readonly checkpoint: HeldState | undefined;
  readonly isFinished: boolean;
}

/**
 * Generations that an earlier coordinator may have formed after the last one in its ledger: only one that commits or fails
 * leaves a record, and a number that is used twice would let a worker that slept through the restart meet the wrong peers.
 */
const UNRECORDED_GENERATIONS = 1_000;

/**
 * Reads an earlier coordinator's ledger.
 *
 * @throws TrainingError LEDGER_INVALID when commits are missing, or CHECKPOINT_INCOMPATIBLE when the checkpoint is not one of this ledger.
 */
export function readEarlierRun(
  records: readonly LedgerRecord[],
  checkpoint: Pick<Checkpoint, 'state' | 'path'> | undefined,
  plan: Plan,
): EarlierRun {
  const committed: CommittedStep[] = [];
  const evaluatedSteps: number[] = [];
  let generation = 0;
  let terms = 0;
  for (const record of records) {
    if ('generation' in record) generation = Math.max(generation, record.generation);
    if (record.kind === 'run' || record.kind === 'resume') terms += 1;
    if (record.kind === 'resume') generation += UNRECORDED_GENERATIONS;
    if (record.kind === 'evaluation' || record.kind === 'held-out-evaluation') evaluatedSteps.push(record.step);
    if (record.kind !== 'commit') continue;
    if (record.step !== committed.length + 1) {
      throw new TrainingError(
        'LEDGER_INVALID',
        `the ledger commits step ${record.step} after step ${committed.length}; restore it from a copy, or start a new run`,
      );
    }
    committed.push({
      step: record.step,
      generation: record.generation,
      weightsCrc: Number.parseInt(record.weightsCrc, 16),
    });
  }
  const held = checkpoint === undefined ? undefined : checkCheckpoint(checkpoint, committed);
  const isComplete = committed.length === plan.totalSteps && evaluatedSteps.includes(plan.totalSteps);
  return {
    committed,
    evaluatedSteps,
    generation: records.length === 0 ? 0 : generation + UNRECORDED_GENERATIONS,
    terms,
    checkpoint: held,
    isFinished: isComplete && held?.step === plan.totalSteps,
  };
}

/** The record of a coordinator that goes on: the next one counts it, so it comes before any worker can join. */
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
  if (record.weightsCrc === weightsCrc) return { step, weightsCrc };
  throw new TrainingError(
    'CHECKPOINT_INCOMPATIBLE',
    `checkpoint ${path} holds weights ${formatCrc32(weightsCrc)}, the ledger says ${formatCrc32(record.weightsCrc)} for step ${step}; remove the checkpoint to go on from an earlier one`,
  );
}
