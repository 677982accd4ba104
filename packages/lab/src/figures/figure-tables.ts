/** The two tables of a run, one row a step and one row an evaluation: their columns, the same in every format. */
import type { EvaluationFigures, StepFigures } from './figure-reader.js';

export interface Column<Row> {
  readonly name: string;
  /** A `time` is an ISO text in UTC. */
  readonly type: 'integer' | 'number' | 'text' | 'time';
  /** Undefined where the ledger does not say it. */
  readonly of: (row: Row) => number | string | undefined;
}

/** The columns of committed steps. @param metrics names of the task's own figures */
export function stepColumns(metrics: readonly string[]): readonly Column<StepFigures>[] {
  return [
    { name: 'step', type: 'integer', of: ({ step }) => step },
    { name: 'epoch', type: 'integer', of: ({ epoch }) => epoch },
    { name: 'generation', type: 'integer', of: ({ generation }) => generation },
    { name: 'samples', type: 'integer', of: ({ samples }) => samples },
    { name: 'loss', type: 'number', of: ({ loss }) => loss },
    { name: 'accuracy', type: 'number', of: ({ accuracy }) => accuracy },
    { name: 'seconds', type: 'number', of: ({ seconds }) => seconds },
    { name: 'samples_per_second', type: 'number', of: ({ samplesPerSecond }) => samplesPerSecond },
    { name: 'learning_rate', type: 'number', of: ({ learningRate }) => learningRate },
    { name: 'gradient_norm', type: 'number', of: ({ gradientNorm }) => gradientNorm },
    { name: 'shard_wait_ms', type: 'number', of: ({ partsMs }) => partsMs?.shardWait },
    { name: 'compute_ms', type: 'number', of: ({ partsMs }) => partsMs?.compute },
    { name: 'all_reduce_ms', type: 'number', of: ({ partsMs }) => partsMs?.allReduce },
    { name: 'update_ms', type: 'number', of: ({ partsMs }) => partsMs?.update },
    { name: 'bytes', type: 'integer', of: ({ bytes }) => bytes },
    { name: 'time', type: 'time', of: ({ at }) => at },
    ...metrics.map((name) => metricColumn<StepFigures>(name)),
  ];
}

/** The columns of evaluations. @param metrics names of the task's own figures */
export function evaluationColumns(metrics: readonly string[]): readonly Column<EvaluationFigures>[] {
  return [
    { name: 'step', type: 'integer', of: ({ step }) => step },
    { name: 'epoch', type: 'integer', of: ({ epoch }) => epoch },
    { name: 'split', type: 'text', of: ({ split }) => split },
    { name: 'loss', type: 'number', of: ({ loss }) => loss },
    { name: 'accuracy', type: 'number', of: ({ accuracy }) => accuracy },
    { name: 'time', type: 'time', of: ({ at }) => at },
    ...metrics.map((name) => metricColumn<EvaluationFigures>(name)),
  ];
}

/** Its prefix keeps a task's own name from being taken for a column of ours. */
function metricColumn<Row extends { readonly metrics?: Readonly<Record<string, number>> }>(name: string): Column<Row> {
  return { name: `metric.${name}`, type: 'number', of: ({ metrics }) => metrics?.[name] };
}
