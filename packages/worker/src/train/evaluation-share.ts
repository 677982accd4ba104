/**
 * One rank's share of an evaluation: exact counts, and one loss per micro-batch so that the coordinator can add them in
 * one order whatever the workers.
 */
import { rangeOfRank, TrainingError, type WorkItem } from '@facet/shared';
import { fillMicroBatch } from '../data/micro-batch.js';
import type { EvaluationSlot } from '../engine/compute.js';
import { scoreLogits } from '../evaluation/score-logits.js';
import type { GenerationWork } from './generation-work.js';
import { settled, unwrap } from './settled.js';

export interface EvaluationPart {
  readonly index: number;
  readonly sampleCount: number;
  readonly lossSum: number;
}

export interface EvaluationShare {
  readonly parts: readonly EvaluationPart[];
  /** [classes * classes], row = true class, column = answer */
  readonly confusion: Uint32Array;
}

/** Evaluates this rank's micro-batches with the weights that the engine was shown. */
export async function evaluateShare(work: GenerationWork, item: WorkItem): Promise<EvaluationShare> {
  const { config, plan, image, classes, rank, split, compute, shards, signal } = work;
  const range = rangeOfRank(plan.microBatchCount(item), split, rank);
  const confusion = new Uint32Array(classes * classes);
  const parts: EvaluationPart[] = [];
  const fill = { image, classes, seed: config.seed, epoch: plan.epochOf(item.step) };
  const slotOf = (index: number): EvaluationSlot => compute.evaluationSlots[index % 2]!;

  const prepare = async (index: number): Promise<Uint8Array> => {
    const samples = await shards.take(item, index);
    fillMicroBatch(slotOf(index).tensors, samples, fill);
    return samples.labels;
  };
  let labels = range.start < range.end ? await prepare(range.start) : new Uint8Array();
  for (let index = range.start; index < range.end; index++) {
    if (signal.aborted) throw TrainingError.from(signal.reason, 'CANCELLED');
    const running = slotOf(index).run();
    const preparing = settled(index + 1 < range.end ? prepare(index + 1) : Promise.resolve(new Uint8Array()));
    await running;
    const nextLabels = unwrap(await preparing);
    const lossSum = scoreLogits({ logits: slotOf(index).logits, labels, classes, confusion });
    parts.push({ index, sampleCount: labels.length, lossSum });
    labels = nextLabels;
  }
  return { parts, confusion };
}
