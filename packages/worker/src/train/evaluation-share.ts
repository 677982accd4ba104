/**
 * One rank's share of an evaluation: exact counts, and one loss per micro-batch so that the coordinator can add them in
 * one order whatever the workers.
 */
import { rangeOfRank, TrainingError, type SampleBatch, type WorkItem } from '@facet/shared';
import { judgeAnswers, type EvaluationSlot, type Judgement } from '@facet/engine';
import { fillTensors } from '@facet/task';
import type { GenerationWork } from './generation-work.js';
import { settled, unwrap } from './settled.js';

export interface EvaluationPart extends Judgement {
  readonly index: number;
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
    parts.push({ index, ...judgeAnswers(task, slotOf(index).outputs, samples!, confusion) });
    samples = next;
  }
  return { parts, confusion };
}
