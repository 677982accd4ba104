/** What the answers to one micro-batch come to. */
import type { SampleBatch } from '@facet/shared';
import { scoreLogits, type Task } from '@facet/task';
import type { EvaluationSlot } from './compute.js';
import { metricOutput } from './micro-batch-program.js';

export interface Judgement {
  readonly sampleCount: number;
  /** Of answers that are classes, the cross-entropy in nats without label smoothing. */
  readonly lossSum: number;
  /** Sums over the samples, by name; none where answers are classes, which the confusion matrix counts. */
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * The sums of one micro-batch, in double arithmetic and in the order of its samples.
 *
 * @param confusion [classes * classes], row = true class, column = answer; counted up in place, and empty where answers are no
 *   classes
 */
export function judgeAnswers(
  { answer, metrics }: Pick<Task, 'answer' | 'metrics'>,
  outputs: EvaluationSlot['outputs'],
  { ids, fields }: SampleBatch,
  confusion: Uint32Array,
): Judgement {
  const sampleCount = ids.length;
  if (answer.kind === 'class') {
    const { classes, label } = answer;
    const lossSum = scoreLogits({ logits: outputs['logits']!, labels: fields[label]!, classes, confusion });
    return { sampleCount, lossSum, metrics: {} };
  }
  const sumOf = (name: string): number =>
    outputs[name]!.subarray(0, sampleCount).reduce((sum, value) => sum + value, 0);
  return {
    sampleCount,
    lossSum: sumOf('losses'),
    metrics: Object.fromEntries(metrics.map((name) => [name, sumOf(metricOutput(name))])),
  };
}
