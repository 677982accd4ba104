/**
 * What the history of a run is made of: the ledger's records in a form for people and pages, without the ids of samples. The
 * ledger is the only source, so that a history survives crashes, another coordinator and another disk as the ledger does.
 */
import type { RunChange } from '../config/change-schema.js';

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
  /** From 0. */
  readonly epoch: number;
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
  /** From 0. */
  readonly epoch: number;
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
  | { readonly kind: 'change'; readonly change: RunChange }
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
