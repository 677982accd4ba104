/**
 * The plan of a run: which samples make which micro-batch of which step. A pure function of the configuration and the
 * sizes of the dataset; coordinator and workers compute the same plan and never send it. Steps count from 1, epochs and
 * micro-batches from 0. Which images take part at all is decided in sample-split.ts.
 */
import type { TrainingConfig } from '../config/schema.js';
import { chooseSamples, type SplitSizes } from './sample-split.js';
import { createTrainingOrder } from './training-order.js';

/** One piece of work of a generation: a training step, or the evaluation that follows a step. */
export interface WorkItem {
  readonly kind: 'train' | 'evaluate';
  readonly step: number;
}

export interface Plan {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  /** Samples of an epoch. */
  readonly trainSamples: number;
  /** Ids in the training split that are never trained on, ascending. */
  readonly heldOut: Uint32Array;
  /** The split that evaluations use. */
  readonly evaluation: TrainingConfig['evaluation'];
  /** Epoch of a step, from 0. */
  epochOf(step: number): number;
  isLastOfEpoch(step: number): boolean;
  /** Real samples in a piece of work. */
  sampleCount(item: WorkItem): number;
  /** Micro-batches in a piece of work; the last one may hold fewer real samples than its size. */
  microBatchCount(item: WorkItem): number;
  /** Sample ids of one micro-batch, in order. They index the split that `splitOf` names. */
  microBatch(item: WorkItem, index: number): Uint32Array;
  /** The split of the dataset that a piece of work reads: held-out images are a part of the training split. */
  splitOf(item: WorkItem): 'train' | 'test';
  /** The piece of work after this one; undefined at the end of the run. */
  next(item: WorkItem): WorkItem | undefined;
  /** The first piece of work of a run whose weights have had `appliedStep` updates. */
  after(appliedStep: number): WorkItem | undefined;
}

type PlanConfig = Pick<TrainingConfig, 'seed' | 'epochs' | 'batch'> &
  Partial<Pick<TrainingConfig, 'samples' | 'evaluation'>>;

/** By default a run trains on the whole training split and evaluates the whole test split. */
const ALL_SAMPLES = { train: 0, test: 0, heldOut: 0 };

/**
 * Makes the plan of a run. The order of the current epoch is kept between calls; everything else is computed.
 *
 * @throws TrainingError CONFIG_INVALID when the dataset has fewer images than the configuration asks for.
 */
export function createPlan(config: PlanConfig, sizes: SplitSizes): Plan {
  const { seed, epochs, batch, samples = ALL_SAMPLES, evaluation = 'test' } = config;
  const { trainSamples, testSamples, heldOut } = chooseSamples(samples, sizes);
  const evaluated = evaluation === 'held-out' ? heldOut : Uint32Array.from({ length: testSamples }, (_, id) => id);
  const order = createTrainingOrder({ seed, epochs, globalBatch: batch.global, trainSamples, heldOut });
  const { stepsPerEpoch, totalSteps } = order;
  const isLastOfEpoch = (step: number): boolean => step % stepsPerEpoch === 0;
  const sampleCount = ({ kind, step }: WorkItem): number =>
    kind === 'evaluate' ? evaluated.length : order.sampleCount(step);

  return {
    stepsPerEpoch,
    totalSteps,
    trainSamples,
    heldOut,
    evaluation,
    epochOf: (step) => order.epochOf(step),
    isLastOfEpoch,
    sampleCount,
    microBatchCount: (item) => Math.ceil(sampleCount(item) / batch.micro),
    microBatch(item, index) {
      const first = index * batch.micro;
      const last = Math.min(first + batch.micro, sampleCount(item));
      return item.kind === 'evaluate' ? evaluated.slice(first, last) : order.samplesOf(item.step, first, last);
    },
    splitOf: ({ kind }) => (kind === 'train' || evaluation === 'held-out' ? 'train' : 'test'),
    next({ kind, step }) {
      if (kind === 'train' && isLastOfEpoch(step)) return { kind: 'evaluate', step };
      return step < totalSteps ? { kind: 'train', step: step + 1 } : undefined;
    },
    after(appliedStep) {
      return appliedStep < totalSteps ? { kind: 'train', step: appliedStep + 1 } : undefined;
    },
  };
}

/** A contiguous range of micro-batch indices, end exclusive. */
export interface MicroBatchRange {
  readonly start: number;
  readonly end: number;
}

/**
 * How the micro-batches of a step are divided among ranks. The step has split.at(-1) parts; rank r has the parts from
 * split[r] up to, not including, split[r + 1]. The first number is 0, and no number is smaller than the one before. The
 * result of a step does not depend on the split.
 */
export type WorkSplit = readonly number[];

/** Even shares, as far as the number of micro-batches allows. */
export function evenSplit(worldSize: number): WorkSplit {
  return Array.from({ length: worldSize + 1 }, (_, rank) => rank);
}

/** The split that gives each rank its number of parts; there must be at least one part in all. */
export function splitByShares(shares: readonly number[]): WorkSplit {
  const split = [0];
  for (const share of shares) split.push(split.at(-1)! + share);
  return split;
}

/** The micro-batches of one rank: contiguous, in rank order, as near to its share as can be. */
export function rangeOfRank(microBatches: number, split: WorkSplit, rank: number): MicroBatchRange {
  const parts = split.at(-1)!;
  const cut = (at: number): number => Math.floor((microBatches * split[at]!) / parts);
  return { start: cut(rank), end: cut(rank + 1) };
}
