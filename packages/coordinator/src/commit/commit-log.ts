/**
 * Decides what a worker's StepDone means for the ledger: a commit, a replay, agreement with what is known, or a fault.
 * Steps are committed in order and once; every later report of a step must have the same weights. Pure bookkeeping: it
 * writes nothing, and the caller writes what it says in the order in which it says it.
 */
import { formatCrc32, sampleChecksum, type ErrorCode, type Plan, type TrainingConfig } from '@facet/shared';

/** The part of a StepDone that decides. */
export interface ReportedStep {
  readonly workerId: string;
  /** Absent for a report that comes late. */
  readonly rank?: number | undefined;
  readonly generation: number;
  readonly step: number;
  readonly weightsCrc: number;
  readonly momentsCrc: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly sampleCount: number;
  readonly sampleChecksum: number;
}

export type CommitVerdict =
  | { readonly kind: 'commit'; readonly epoch: number; readonly samples: Uint32Array }
  | { readonly kind: 'replay' }
  /** Another rank of the same generation says the same. */
  | { readonly kind: 'agreed' }
  | { readonly kind: 'fault'; readonly code: ErrorCode; readonly message: string };

/** A step that stands in the ledger already. */
export interface CommittedStep {
  readonly step: number;
  readonly generation: number;
  readonly weightsCrc: number;
  /** Undefined in ledgers of earlier versions. */
  readonly momentsCrc: number | undefined;
}

export interface CommitLogOptions {
  readonly config: Pick<TrainingConfig, 'seed' | 'batch'>;
  readonly plan: Plan;
  /** In order, from step 1 on. */
  readonly committed: readonly CommittedStep[];
  /** Advice for the error if weights differ that should be the same. */
  readonly desyncAdvice: () => string;
}

/** One checksum of a step, and what was committed if that is known. */
interface Comparison {
  readonly what: 'weights' | 'moments';
  readonly committed: number | undefined;
  readonly actual: number;
}

/** Number of steps for which reporters are remembered, to name both sides of a disagreement. */
const REMEMBERED_REPORTERS = 64;

export class CommitLog {
  readonly #config: Pick<TrainingConfig, 'seed' | 'batch'>;
  readonly #plan: Plan;
  readonly #desyncAdvice: () => string;
  /** Index 0 is step 1. */
  readonly #weightsCrcs: number[];
  readonly #momentsCrcs: (number | undefined)[];
  /** The last generation in which a step was seen; index 0 is step 1. */
  readonly #generations: number[];
  readonly #reporters = new Map<number, string>();

  constructor({ config, plan, committed, desyncAdvice }: CommitLogOptions) {
    this.#config = config;
    this.#plan = plan;
    this.#desyncAdvice = desyncAdvice;
    this.#weightsCrcs = committed.map(({ weightsCrc }) => weightsCrc);
    this.#momentsCrcs = committed.map(({ momentsCrc }) => momentsCrc);
    this.#generations = committed.map(({ generation }) => generation);
  }

  get lastStep(): number {
    return this.#weightsCrcs.length;
  }

  /** Checksum of the weights after a committed step. */
  weightsCrcOf(step: number): number | undefined {
    return this.#weightsCrcs[step - 1];
  }

  /** Checksum of the moments after a committed step, where it is known. */
  momentsCrcOf(step: number): number | undefined {
    return this.#momentsCrcs[step - 1];
  }

  accept(reported: ReportedStep): CommitVerdict {
    const { step } = reported;
    if (step <= this.lastStep) return wrongMetric(reported) ?? this.#compare(reported);
    if (step > this.lastStep + 1) {
      const message = `worker ${reported.workerId} reports step ${step}, expected step ${this.lastStep + 1} at most; resume from the last checkpoint`;
      return { kind: 'fault', code: 'ACCOUNTING', message };
    }
    return this.#commit(reported);
  }

  #compare(reported: ReportedStep): CommitVerdict {
    const { generation, step, weightsCrc, momentsCrc } = reported;
    const isReplay = generation > (this.#generations[step - 1] ?? 0);
    const fault =
      this.#difference(reported, isReplay, {
        what: 'weights',
        committed: this.weightsCrcOf(step),
        actual: weightsCrc,
      }) ??
      this.#difference(reported, isReplay, { what: 'moments', committed: this.momentsCrcOf(step), actual: momentsCrc });
    if (fault !== undefined) return fault;
    if (!isReplay) return { kind: 'agreed' };
    this.#generations[step - 1] = generation;
    this.#remember(reported);
    return { kind: 'replay' };
  }

  #difference(
    reported: ReportedStep,
    isReplay: boolean,
    { what, committed, actual }: Comparison,
  ): CommitVerdict | undefined {
    if (committed === undefined || committed === actual) return undefined;
    const { step } = reported;
    const first = this.#reporters.get(step) ?? 'the ledger';
    const fault = isReplay ? `the replay of step ${step} gives other ${what}` : `the ${what} after step ${step} differ`;
    const message =
      `${fault}: ${first} has ${formatCrc32(committed)}, ${nameOf(reported)} has ${formatCrc32(actual)}; ` +
      this.#desyncAdvice();
    return { kind: 'fault', code: 'DESYNC', message };
  }

  #commit(reported: ReportedStep): CommitVerdict {
    const { workerId, generation, step, weightsCrc, momentsCrc } = reported;
    const plan = this.#plan;
    if (step > plan.totalSteps) {
      const message = `worker ${workerId} reports step ${step}, but the run has ${plan.totalSteps} steps`;
      return { kind: 'fault', code: 'ACCOUNTING', message };
    }
    if (!Number.isFinite(reported.loss)) {
      const message = `the loss of step ${step} is ${reported.loss} on worker ${workerId}; lower optimizer.peakLearningRate or set optimizer.clipNorm`;
      return { kind: 'fault', code: 'NON_FINITE', message };
    }
    const wrong = wrongMetric(reported);
    if (wrong !== undefined) return wrong;
    const epoch = plan.epochOf(step);
    const samples = samplesOfStep(plan, step);
    const checksum = sampleChecksum(this.#config, epoch, samples);
    if (reported.sampleCount !== samples.length || reported.sampleChecksum !== checksum) {
      const message =
        `the gradient of step ${step} on worker ${workerId} holds ${reported.sampleCount} samples with check sum ` +
        `${reported.sampleChecksum}, expected ${samples.length} with ${checksum}; nothing of this step was recorded: resume`;
      return { kind: 'fault', code: 'ACCOUNTING', message };
    }
    this.#weightsCrcs.push(weightsCrc);
    this.#momentsCrcs.push(momentsCrc);
    this.#generations.push(generation);
    this.#remember(reported);
    return { kind: 'commit', epoch, samples };
  }

  #remember(reported: ReportedStep): void {
    const { step } = reported;
    this.#reporters.set(step, nameOf(reported));
    this.#reporters.delete(step - REMEMBERED_REPORTERS);
  }
}

function nameOf({ workerId, rank }: ReportedStep): string {
  return rank === undefined ? `worker ${workerId}` : `worker ${workerId} (rank ${rank})`;
}

/** All sample ids of a training step, in the order of the plan. */
export function samplesOfStep(plan: Plan, step: number): Uint32Array {
  const item = { kind: 'train', step } as const;
  const samples = new Uint32Array(plan.sampleCount(item));
  let at = 0;
  for (let index = 0; index < plan.microBatchCount(item); index++) {
    const ids = plan.microBatch(item, index);
    samples.set(ids, at);
    at += ids.length;
  }
  return samples;
}

/** A ledger holds finite numbers only; undefined when all of them are. */
function wrongMetric({ step, metrics, workerId }: ReportedStep): CommitVerdict | undefined {
  const name = Object.keys(metrics).find((each) => !Number.isFinite(metrics[each]));
  if (name === undefined) return undefined;
  const message = `the metric ${name} of step ${step} is ${metrics[name]} on worker ${workerId}; give a finite number for every sample`;
  return { kind: 'fault', code: 'NON_FINITE', message };
}
