/** What the answers to one micro-batch come to. */
import type { SampleBatch } from '@facet/shared';
import { scoreLogits } from '@facet/task';
import type { EvaluationSlot } from './compute.js';
import { metricOutput, planEvaluation } from './micro-batch-program.js';

export interface Judgement {
  readonly sampleCount: number;
  /** Of answers that are classes, the cross-entropy in nats without label smoothing. */
  readonly lossSum: number;
  /** Sums over the samples, by name. Right answers are in the confusion matrix. */
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * The sums of one micro-batch, in double arithmetic and in the order of its samples.
 *
 * @param confusion [classes * classes], row = true class, column = answer; counted up in place, and empty where answers are no
 *   classes
 */
export function judgeAnswers(
  task: Parameters<typeof planEvaluation>[0],
  outputs: EvaluationSlot['outputs'],
  { ids, fields }: SampleBatch,
  confusion: Uint32Array,
): Judgement {
  const { answer } = task;
  const sampleCount = ids.length;
  const sumOf = (name: string): number =>
    outputs[name]!.subarray(0, sampleCount).reduce((sum, value) => sum + value, 0);
  const lossSum =
    answer.kind === 'class'
      ? scoreLogits({
          logits: outputs['logits']!,
          labels: fields[answer.label]!,
          classes: answer.classes,
          confusion,
        })
      : sumOf('losses');
  const metrics = planEvaluation(task).metrics.map((name) => [name, sumOf(metricOutput(name))] as const);
  return { sampleCount, lossSum, metrics: Object.fromEntries(metrics) };
}
