/**
 * What a run came to, as `done` resolves with it and as result.json keeps it: one model, what it took, and the ledger. The
 * ledger's part is judged by the independent checker from the file itself, never from this process's memory.
 */
import {
  checkLedgerFile,
  TrainingError,
  type ErrorCode,
  type EvaluatedWeights,
  type LedgerVerdict,
  type Plan,
  type RunConfig,
} from '@facet/shared';
import type { EvaluationResult } from '../evaluation/evaluation.js';
import type { Ending, Outcome } from '../membership/state.js';
import { qualityOf, type EpochSummary, type History } from './history.js';

const MAX_PROBLEMS = 5;

/** What the ledger proves. */
export interface LedgerProof extends Pick<
  LedgerVerdict,
  'clean' | 'expected' | 'committed' | 'missing' | 'duplicated' | 'foreign' | 'sha256'
> {
  /** The first five. */
  readonly problems: readonly string[];
}

/** What a run came to. */
export interface RunResult {
  readonly run: string;
  readonly dataset: string;
  readonly outcome: Outcome;
  /** Why it failed. */
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly epochs: number;
  /** The rule that ended the run before its last epoch, and by which figures; undefined when none did. */
  readonly earlyEnd: string | undefined;
  /** Committed steps. */
  readonly steps: number;
  /** Of the weights in the checkpoint, when the run evaluates the test split and has evaluated them. */
  readonly testAccuracy: number | undefined;
  /** Of the weights in the checkpoint, when the run evaluates its held-out images and has evaluated them. */
  readonly heldOutAccuracy: number | undefined;
  /** Of the same evaluation: the mean loss, and the task's own figures by name. */
  readonly evaluation: { readonly loss: number; readonly metrics: Readonly<Record<string, number>> } | undefined;
  /** Which weights were evaluated: their moving average, or the last ones. */
  readonly evaluatedWeights: EvaluatedWeights;
  /** Mean over the last epoch that has committed steps. */
  readonly trainLoss: number | undefined;
  /** Of all coordinators that led the run. */
  readonly wallSeconds: number;
  /** Training time without waiting for the first workers and without evaluation. */
  readonly trainSeconds: number;
  /** Training samples per second of training time. */
  readonly imagesPerSecond: number;
  /** SHA-256 of the flat weights in the newest checkpoint. */
  readonly weightsSha256: string | undefined;
  /** World size of the last generation. */
  readonly workers: number;
  readonly generations: number;
  /** Absent when it could not be read: then nothing is proven. */
  readonly ledger?: LedgerProof;
  readonly faults: number;
  /** Path of the newest checkpoint. */
  readonly checkpoint: string | undefined;
  /** Its step. */
  readonly checkpointStep: number | undefined;
  readonly bytesExchanged: number;
  /** What computed gradients, such as `onnxruntime/cpu`; with more than one the weights depend on who computed what. */
  readonly engines: readonly string[];
  /** One sentence each about what was found damaged at the start, and about mixed engines. */
  readonly warnings: readonly string[];
}

/** result.json: the result and what is too long for a terminal. */
export interface StoredResult extends RunResult {
  /** [classes * classes] of the evaluation of these weights, row = true class, column = answer. */
  readonly confusion: readonly number[];
  readonly history: readonly EpochSummary[];
}

/** What is measured while a run runs; its ledger is judged when it has ended. */
export type MeasuredResult = Omit<
  RunResult,
  'outcome' | 'code' | 'message' | 'steps' | 'ledger' | 'faults' | 'earlyEnd'
>;

/** The newest checkpoint, as far as a result says it. */
export interface ResultCheckpoint {
  readonly step: number;
  readonly path: string;
  readonly weightsSha256: string;
}

/** The one model that a result is about. */
export interface ResultModel extends Pick<
  RunResult,
  | 'testAccuracy'
  | 'heldOutAccuracy'
  | 'evaluation'
  | 'evaluatedWeights'
  | 'checkpoint'
  | 'checkpointStep'
  | 'weightsSha256'
> {
  /** [classes * classes] of its evaluation; empty when there was none in this process. */
  readonly confusion: readonly number[];
  /** When the last evaluation is of another model. */
  readonly warning: string | undefined;
}

/**
 * The model in the newest checkpoint, with the accuracy of its own weights and no other; where there is no checkpoint, the
 * model that was evaluated last.
 */
export function resultModel(
  { plan, config }: { readonly plan: Plan; readonly config: Pick<RunConfig, 'optimizer'> },
  history: Pick<History, 'lastEvaluation' | 'evaluationOf'>,
  checkpoint: ResultCheckpoint | undefined,
): ResultModel {
  const last = history.lastEvaluation;
  const own = checkpoint === undefined ? last : history.evaluationOf(checkpoint.step);
  const { testAccuracy, heldOutAccuracy } = qualityOf(plan.evaluation, own);
  const isOther = checkpoint !== undefined && last !== undefined && last.step !== checkpoint.step;
  return {
    testAccuracy,
    heldOutAccuracy,
    evaluation: own && { loss: own.loss, metrics: own.metrics },
    evaluatedWeights: config.optimizer.emaDecay > 0 ? 'average' : 'last',
    checkpoint: checkpoint?.path,
    checkpointStep: checkpoint?.step,
    weightsSha256: checkpoint?.weightsSha256,
    confusion: own?.confusion ?? [],
    warning: isOther
      ? `the newest checkpoint is of step ${checkpoint.step}; the last evaluation, ${figureOf(last)}, ` +
        `is of the weights after step ${last.step}`
      : undefined,
  };
}

/** An evaluation in one figure. */
function figureOf({ accuracy, loss }: Pick<EvaluationResult, 'accuracy' | 'loss'>): string {
  return accuracy === undefined ? `a loss of ${loss.toPrecision(4)}` : `${(100 * accuracy).toFixed(2)} %`;
}

/**
 * Joins what was measured with what the ledger's file says. A run has finished when its ledger proves it, as
 * `facet ledger check` would; a ledger that cannot be read proves nothing.
 *
 * @param steps that this process knows of, for when the ledger says nothing
 */
export async function makeResult(
  measured: MeasuredResult,
  ending: Ending,
  { path, steps }: { readonly path: string; readonly steps: number },
): Promise<RunResult> {
  let verdict: LedgerVerdict;
  try {
    verdict = await checkLedgerFile(path);
  } catch (caught) {
    const { message } = TrainingError.from(caught);
    const unread = `${ending.message}; the ledger cannot be read: ${message}`;
    const { outcome, code = 'LEDGER_INVALID' } = ending;
    return {
      ...measured,
      outcome: outcome === 'finished' ? 'failed' : outcome,
      code,
      message: unread,
      steps,
      faults: 0,
      earlyEnd: undefined,
    };
  }
  const { expected, committed, missing, duplicated, foreign, clean, sha256, problems } = verdict;
  const { outcome, code, message } = judged(ending, verdict);
  return {
    ...measured,
    outcome,
    ...(code !== undefined && { code }),
    message,
    steps: verdict.steps,
    earlyEnd: verdict.earlyEnd,
    ledger: {
      clean,
      expected,
      committed,
      missing,
      duplicated,
      foreign,
      problems: problems.slice(0, MAX_PROBLEMS),
      sha256,
    },
    faults: verdict.faults,
  };
}

/** A run that did all its steps has failed all the same when its ledger is not clean. */
function judged(ending: Ending, { clean, problems }: LedgerVerdict): Ending {
  if (ending.outcome !== 'finished' || clean) return ending;
  const message = `all steps were trained, but the ledger is not clean: ${problems[0]}; see \`facet ledger check\``;
  return { outcome: 'failed', code: 'ACCOUNTING', message };
}

/** Adds what is too long for a terminal. */
export function storedResult(
  result: RunResult,
  { confusion }: Pick<ResultModel, 'confusion'>,
  history: History,
): StoredResult {
  return { ...result, confusion, history: history.epochs };
}
