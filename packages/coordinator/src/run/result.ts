/**
 * What a run came to, as `done` resolves with it and as result.json keeps it. The ledger's part is counted by the
 * independent checker from the file itself, never from this process's memory.
 */
import { readFile } from 'node:fs/promises';
import {
  checkLedger,
  parseLedger,
  type ErrorCode,
  type EvaluatedWeights,
  type LedgerReport,
  type Plan,
  type RunConfig,
} from '@facet/shared';
import type { Ending, Outcome } from '../membership/state.js';
import { qualityOf, type EpochSummary, type History } from './history.js';

export interface RunResult {
  readonly run: string;
  readonly dataset: string;
  readonly outcome: Outcome;
  /** Why it failed. */
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly epochs: number;
  /** Committed steps. */
  readonly steps: number;
  /** Of the last evaluation, when the run evaluates the test split. */
  readonly testAccuracy: number | undefined;
  /** Of the last evaluation, when the run evaluates its held-out images. */
  readonly heldOutAccuracy: number | undefined;
  /** Which weights were evaluated: their moving average, or the last ones. */
  readonly evaluatedWeights: EvaluatedWeights;
  /** Mean over the last epoch that has committed steps. */
  readonly trainLoss: number | undefined;
  readonly wallSeconds: number;
  /** Training time of this coordinator without waiting for the first workers and without evaluation. */
  readonly trainSeconds: number;
  /** Training samples per second of training time. */
  readonly imagesPerSecond: number;
  /** SHA-256 of the flat weights in the newest checkpoint. */
  readonly weightsSha256: string | undefined;
  /** World size of the last generation. */
  readonly workers: number;
  readonly generations: number;
  readonly ledger: Pick<LedgerReport, 'expected' | 'committed' | 'missing' | 'duplicated'>;
  readonly faults: number;
  /** Path of the newest checkpoint. */
  readonly checkpoint: string | undefined;
  readonly bytesExchanged: number;
  /** What computed gradients, such as `onnxruntime/cpu`; with more than one the weights depend on who computed what. */
  readonly engines: readonly string[];
  /** One sentence each about what was found damaged at the start, and about mixed engines. */
  readonly warnings: readonly string[];
}

/** result.json: the result and what is too long for a terminal. */
export interface StoredResult extends RunResult {
  /** [classes * classes] of the last evaluation, row = true class, column = answer. */
  readonly confusion: readonly number[];
  readonly history: readonly EpochSummary[];
}

export type MeasuredResult = Omit<RunResult, 'outcome' | 'code' | 'message' | 'steps' | 'ledger' | 'faults'>;

/** The accuracy of the last evaluation, and of which weights it is. */
export function accuracyOf(
  { plan, config }: { readonly plan: Plan; readonly config: Pick<RunConfig, 'optimizer'> },
  { lastEvaluation }: Pick<History, 'lastEvaluation'>,
): Pick<RunResult, 'testAccuracy' | 'heldOutAccuracy' | 'evaluatedWeights'> {
  const { testAccuracy, heldOutAccuracy } = qualityOf(plan.evaluation, lastEvaluation);
  return { testAccuracy, heldOutAccuracy, evaluatedWeights: config.optimizer.emaDecay > 0 ? 'average' : 'last' };
}

/** Joins what was measured with what the ledger's file says. */
export async function makeResult(measured: MeasuredResult, ending: Ending, ledgerPath: string): Promise<RunResult> {
  const { records } = parseLedger(await readFile(ledgerPath, 'utf8'));
  const { expected, committed, missing, duplicated, steps, faults } = checkLedger(records);
  const { outcome, code, message } = ending;
  return {
    ...measured,
    outcome,
    ...(code !== undefined && { code }),
    message,
    steps,
    ledger: { expected, committed, missing, duplicated },
    faults,
  };
}

/** Adds what is too long for a terminal. */
export function storedResult(result: RunResult, history: History): StoredResult {
  return { ...result, confusion: history.lastEvaluation?.confusion ?? [], history: history.epochs };
}

/** The result when the ledger's file cannot be read any more: what this process knows, and no word about samples. */
export function unrecordedResult(
  measured: MeasuredResult,
  { outcome, code, message }: Ending,
  steps: number,
): RunResult {
  const ledger = { expected: 0, committed: 0, missing: 0, duplicated: 0 };
  return { ...measured, outcome, ...(code !== undefined && { code }), message, steps, ledger, faults: 0 };
}
