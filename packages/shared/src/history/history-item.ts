/**
 * What the history of a run is made of: the ledger's records in a form for people and pages, without the ids of samples. The
 * ledger is the only source, so that a history survives crashes, another coordinator and another disk as the ledger does.
 */
import type { ChangeRecord, LedgerRecord } from '../ledger/ledger-record.js';

/** Milliseconds that the parts of a step took on the member that reported it first. */
export interface StepParts {
  readonly shardWait: number;
  readonly compute: number;
  readonly allReduce: number;
  readonly update: number;
}

/** What the run is. */
export interface RunItem {
  readonly kind: 'run';
  readonly run: string;
  readonly dataset: string;
  readonly trainSamples: number;
  readonly globalBatch: number;
  readonly epochs: number;
  readonly seed: number;
  readonly at: string;
}

/** A committed step. */
export interface StepItem {
  readonly kind: 'step';
  /** From 1. */
  readonly step: number;
  readonly generation: number;
  readonly samples: number;
  /** Mean over the samples. */
  readonly loss: number;
  /** Right answers; undefined where answers are no classes, and in ledgers of earlier versions. */
  readonly correct?: number;
  /** Further sums of the task over the samples, by name. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** Training time since the step before, without evaluation. */
  readonly seconds?: number;
  readonly bytes?: number;
  readonly gradientNorm?: number;
  readonly partsMs?: StepParts;
  readonly at: string;
}

/** An evaluation of the weights after a step. */
export interface EvaluationItem {
  readonly kind: 'evaluation';
  readonly step: number;
  readonly split: 'test' | 'held-out';
  /** Undefined where answers are no classes. */
  readonly accuracy?: number;
  readonly loss: number;
  /** Means of the task's own figures, by name. */
  readonly metrics?: Readonly<Record<string, number>>;
  readonly at: string;
}

/** A member of a generation; its place in the list is its rank. */
export interface Member {
  readonly workerId: string;
  readonly host: string;
  readonly engine: string;
  readonly device: string;
}

/** What happened beside training. */
export type EventItem = { readonly at: string; readonly step: number } & (
  | { readonly kind: 'resume' }
  | { readonly kind: 'generation'; readonly generation: number; readonly members: readonly Member[] }
  | { readonly kind: 'fault'; readonly generation: number; readonly code: string; readonly message: string }
  | { readonly kind: 'leave'; readonly generation: number; readonly workerId: string }
  | { readonly kind: 'checkpoint'; readonly weightsSha256: string }
  | { readonly kind: 'change'; readonly change: Omit<ChangeRecord, 'kind' | 'at'> }
  | { readonly kind: 'end'; readonly reason: 'finished' | 'stopped' | 'failed' }
);

/** A committed step that was computed again: time that a fault or a resume cost. */
export interface ReplayItem {
  readonly kind: 'replay';
  readonly step: number;
  readonly seconds?: number;
  readonly at: string;
}

export type HistoryItem = RunItem | StepItem | EvaluationItem | ReplayItem | EventItem;

/** The item of a record. */
export function historyItem(record: LedgerRecord): HistoryItem {
  const { at } = record;
  switch (record.kind) {
    case 'run': {
      const { run, dataset, trainSamples, globalBatch, epochs, seed } = record;
      return { kind: 'run', run, dataset, trainSamples, globalBatch, epochs, seed, at };
    }
    case 'commit': {
      const { step, generation, samples, loss, correct, metrics, seconds, bytesExchanged, gradientNorm, partsMs } =
        record;
      return {
        ...{ kind: 'step', step, generation, samples: samples.length, loss },
        ...(correct !== undefined && { correct }),
        ...(metrics && { metrics }),
        ...(seconds !== undefined && { seconds }),
        ...(bytesExchanged !== undefined && { bytes: bytesExchanged }),
        ...(gradientNorm !== undefined && { gradientNorm }),
        ...(partsMs && { partsMs }),
        at,
      };
    }
    case 'replay': {
      const { step, seconds } = record;
      return { kind: 'replay', step, ...(seconds !== undefined && { seconds }), at };
    }
    case 'evaluation': {
      const { step, testAccuracy, testLoss, metrics } = record;
      return evaluationItem('test', { step, accuracy: testAccuracy, loss: testLoss, metrics, at });
    }
    case 'held-out-evaluation': {
      const { step, heldOutAccuracy, heldOutLoss, metrics } = record;
      return evaluationItem('held-out', { step, accuracy: heldOutAccuracy, loss: heldOutLoss, metrics, at });
    }
    case 'resume':
      return { kind: 'resume', step: record.fromStep, at };
    case 'change': {
      const { kind, at: _at, ...change } = record;
      return { kind, step: change.afterStep, change, at };
    }
    case 'generation':
    case 'fault':
    case 'leave':
    case 'checkpoint':
    case 'end':
      return record;
    default:
      return record satisfies never;
  }
}

function evaluationItem(
  split: EvaluationItem['split'],
  facts: Pick<EvaluationItem, 'step' | 'loss' | 'at'> & {
    readonly accuracy: number | undefined;
    readonly metrics: Readonly<Record<string, number>> | undefined;
  },
): EvaluationItem {
  const { step, accuracy, loss, metrics, at } = facts;
  return {
    ...{ kind: 'evaluation', step, split, loss, at },
    ...(accuracy !== undefined && { accuracy }),
    ...(metrics && { metrics }),
  };
}
