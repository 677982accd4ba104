/** What the charts are called. TensorBoard makes a group of what has the same word before the slash. */
import type { EvaluationFigures, StepFigures } from '../figure-reader.js';

export const TRAIN_LOSS = 'train/loss';
export const EVALUATION = 'evaluation/';
export const WEIGHTS = 'weights/';
export const CONFIGURATION = 'configuration';

/** A chart and its value. */
export type Scalar = readonly [tag: string, value: number];

/** The scalars of a step; those that the ledger does not say are left out. */
export function stepScalars(figures: StepFigures): Scalar[] {
  const { loss, accuracy, metrics, learningRate, gradientNorm, samplesPerSecond, seconds, partsMs, bytes } = figures;
  return known([
    [TRAIN_LOSS, loss],
    ['train/accuracy', accuracy],
    ...metricsOf('train/', metrics),
    ['train/learning_rate', learningRate],
    ['train/gradient_norm', gradientNorm],
    ['throughput/samples_per_second', samplesPerSecond],
    ['throughput/bytes', bytes],
    ['time/step_seconds', seconds],
    ['time/shard_wait_ms', partsMs?.shardWait],
    ['time/compute_ms', partsMs?.compute],
    ['time/all_reduce_ms', partsMs?.allReduce],
    ['time/update_ms', partsMs?.update],
  ]);
}

/** The scalars of an evaluation. A run evaluates one split, so that it has no part in the name. */
export function evaluationScalars({ loss, accuracy, metrics = {} }: EvaluationFigures): Scalar[] {
  return known([[`${EVALUATION}loss`, loss], [`${EVALUATION}accuracy`, accuracy], ...metricsOf(EVALUATION, metrics)]);
}

/** `metric.` keeps a task's own name from being taken for one of ours. */
function metricsOf(group: string, metrics: Readonly<Record<string, number>>): Scalar[] {
  return Object.entries(metrics).map(([name, value]) => [`${group}metric.${name}`, value]);
}

function known(scalars: readonly (readonly [string, number | undefined])[]): Scalar[] {
  return scalars.flatMap(([tag, value]): Scalar[] => (value === undefined ? [] : [[tag, value]]));
}
