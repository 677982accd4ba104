/**
 * In which order a run trains on its samples: a permutation of them for every epoch, cut into global batches. It follows
 * from a handful of numbers that stand in the ledger's first record too, so that a ledger can be compared with the plan
 * without the run's configuration. Steps count from 1, epochs from 0.
 */
import { stepsPerEpoch as stepsPerEpochOf } from './steps-per-epoch.js';
import { permutation } from '../random.js';
import { idsWithout } from './sample-split.js';

export interface TrainingOrderOptions {
  readonly seed: number;
  readonly epochs: number;
  readonly globalBatch: number;
  /** Samples of an epoch. */
  readonly trainSamples: number;
  /** Ids that are not among them, ascending: the samples are the first ids that are not held out. */
  readonly heldOut: Uint32Array;
}

export interface TrainingOrder {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  /** Epoch of a step, from 0. */
  epochOf(step: number): number;
  /** Samples in a step: the last one of an epoch may have fewer than the others. */
  sampleCount(step: number): number;
  /** Sample ids of a step, in order; those from `first` up to, not including, `end`. */
  samplesOf(step: number, first?: number, end?: number): Uint32Array;
}

/** The order of a run; that of one epoch is kept between calls, everything else is computed. */
export function createTrainingOrder(options: TrainingOrderOptions): TrainingOrder {
  const { seed, epochs, globalBatch, trainSamples, heldOut } = options;
  const stepsPerEpoch = stepsPerEpochOf(options);
  const epochOf = (step: number): number => Math.floor((step - 1) / stepsPerEpoch);
  const startOf = (step: number): number => ((step - 1) % stepsPerEpoch) * globalBatch;
  const sampleCount = (step: number): number => Math.min(globalBatch, trainSamples - startOf(step));

  let training: Uint32Array | undefined;
  let cached: { epoch: number; order: Uint32Array } | undefined;
  const orderOf = (epoch: number): Uint32Array => {
    if (cached?.epoch !== epoch) {
      const order = permutation(seed, epoch, trainSamples);
      if (heldOut.length > 0) {
        const ids = (training ??= idsWithout(heldOut, trainSamples));
        order.forEach((place, index) => (order[index] = ids[place]!));
      }
      cached = { epoch, order };
    }
    return cached.order;
  };

  return {
    stepsPerEpoch,
    totalSteps: stepsPerEpoch * epochs,
    epochOf,
    sampleCount,
    samplesOf(step, first = 0, end = sampleCount(step)) {
      const start = startOf(step);
      return orderOf(epochOf(step)).slice(start + first, start + end);
    },
  };
}
