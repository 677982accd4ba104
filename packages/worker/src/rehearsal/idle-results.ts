/** What workers that compute nothing report: what the plan says that real ones would hold, and made-up losses. */
import { rangeOfRank, sampleChecksum, type Plan, type RunConfig, type WorkItem, type WorkSplit } from '@facet/shared';
import type { Welcome } from '@facet/proto';
import type { EvaluationShare } from '../train/evaluation-share.js';
import type { StepResult } from '../train/generation-loop.js';
import type { TrainingState } from '../train/training-state.js';

/** What is in the reduced gradient of a step. */
export interface StepAccount {
  readonly count: number;
  readonly checksum: number;
}

/** Steps whose accounts are kept: members of one process are at most a step apart. */
const KEPT_STEPS = 8;

/** The accounts of steps, computed once for all members of a process. */
export class StepAccounts {
  readonly #config: RunConfig;
  readonly #plan: Plan;
  readonly #known = new Map<number, StepAccount>();

  constructor(config: RunConfig, plan: Plan) {
    this.#config = config;
    this.#plan = plan;
  }

  of(step: number): StepAccount {
    const account = this.#known.get(step) ?? this.#compute(step);
    this.#known.set(step, account);
    for (const known of this.#known.keys()) if (known <= step - KEPT_STEPS) this.#known.delete(known);
    return account;
  }

  #compute(step: number): StepAccount {
    const item = { kind: 'train', step } as const;
    let checksum = 0;
    for (let index = 0; index < this.#plan.microBatchCount(item); index++) {
      checksum += sampleChecksum(this.#config, this.#plan.epochOf(step), this.#plan.microBatch(item, index));
    }
    return { count: this.#plan.sampleCount(item), checksum };
  }
}

/** One member's part of a step. */
export interface IdleStep {
  readonly state: Pick<TrainingState, 'weightsCrc' | 'momentsCrc'>;
  readonly account: StepAccount;
  /** That this member was given. */
  readonly samples: number;
  readonly shardWaitMs: number;
  readonly workMs: number;
}

export function idleStep(step: number, { state, account, samples, shardWaitMs, workMs }: IdleStep): StepResult {
  const totalMs = shardWaitMs + workMs;
  return {
    step,
    weightsCrc: state.weightsCrc,
    momentsCrc: state.momentsCrc,
    loss: 1,
    metrics: { correct: 0 },
    sampleCount: account.count,
    sampleChecksum: account.checksum,
    gradientNorm: 1,
    learningRate: 0,
    timings: { totalMs, shardWaitMs, computeMs: workMs, allReduceMs: 0, updateMs: 0 },
    bytesSent: 0,
    bytesReceived: 0,
    localSamples: samples,
    attackGradients: 0,
    localGradientNorm: 1,
    localLoss: 1,
  };
}

/** Whose part of an evaluation. */
export interface EvaluationPlace {
  readonly plan: Plan;
  readonly split: WorkSplit;
  readonly rank: number;
  readonly welcome: Pick<Welcome, 'classes'>;
}

/** All answers are the first class, and so are all samples. */
export function idleEvaluation(item: WorkItem, { plan, split, rank, welcome }: EvaluationPlace): EvaluationShare {
  const { start, end } = rangeOfRank(plan.microBatchCount(item), split, rank);
  const parts = Array.from({ length: end - start }, (_, at) => {
    const sampleCount = plan.microBatch(item, start + at).length;
    return { index: start + at, sampleCount, lossSum: sampleCount, metrics: {} };
  });
  const confusion = new Uint32Array(welcome.classes.length ** 2);
  if (confusion.length > 0) confusion[0] = parts.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
  return { parts, confusion };
}
