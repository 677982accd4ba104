/**
 * One rank's share of an evaluation: exact counts, and one loss per micro-batch so that the coordinator can add them in
 * one order whatever the workers.
 */
import { rangeOfRank, TrainingError, type SampleBatch, type WorkItem } from '@facet/shared';
import type { Task } from '@facet/task';
import { type EvaluationSlot, metricOutput } from '@facet/engine';
import { scoreLogits } from '@facet/task';
import { fillTensors } from './fill-tensors.js';
import type { GenerationWork } from './generation-work.js';
import { settled, unwrap } from './settled.js';

export interface EvaluationPart {
  readonly index: number;
  readonly sampleCount: number;
  readonly lossSum: number;
  /** Sums over the samples, by name; none where answers are classes, which the confusion matrix counts. */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface EvaluationShare {
  readonly parts: readonly EvaluationPart[];
  /** [classes * classes], row = true class, column = answer; empty where answers are no classes */
  readonly confusion: Uint32Array;
}

/** Evaluates this rank's micro-batches with the weights that the engine was shown. */
export async function evaluateShare(work: GenerationWork, item: WorkItem): Promise<EvaluationShare> {
  const { config, plan, task, rank, split, compute, shards, signal } = work;
  const { step } = item;
  const range = rangeOfRank(plan.microBatchCount(item), split, rank);
  const confusion = new Uint32Array(task.answer.kind === 'class' ? task.answer.classes ** 2 : 0);
  const parts: EvaluationPart[] = [];
  const slotOf = (index: number): EvaluationSlot => compute.evaluationSlots[index % 2]!;

  const prepare = async (index: number): Promise<SampleBatch> => {
    const samples = await shards.take(item, index);
    const identity = { seed: config.seed, epoch: plan.epochOf(step), step, index, isTraining: false };
    fillTensors(task, slotOf(index).tensors, samples, identity);
    return samples;
  };
  let samples = range.start < range.end ? await prepare(range.start) : undefined;
  for (let index = range.start; index < range.end; index++) {
    if (signal.aborted) throw TrainingError.from(signal.reason, 'CANCELLED');
    const running = slotOf(index).run();
    const preparing = settled(index + 1 < range.end ? prepare(index + 1) : Promise.resolve(undefined));
    await running;
    const next = unwrap(await preparing);
    parts.push({ index, ...judge(task, slotOf(index).outputs, samples!, confusion) });
    samples = next;
  }
  return { parts, confusion };
}

/** The sums of one micro-batch, in double arithmetic and in the order of its samples; classes are counted in place. */
function judge(
  { answer, metrics }: Task,
  outputs: EvaluationSlot['outputs'],
  { ids, fields }: SampleBatch,
  confusion: Uint32Array,
): Omit<EvaluationPart, 'index'> {
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
