/** Fills the tensors of a micro-batch: the task its own, the system which rows are samples. */
import type { SampleBatch } from '@facet/shared';
import type { BatchIdentity, BatchTensors, Task } from './task.js';

/** Rows beyond the samples become padding of weight 0. */
export function fillTensors<T extends BatchTensors>(
  task: Task<T>,
  tensors: T,
  samples: SampleBatch,
  identity: BatchIdentity,
): void {
  task.prepare(samples, tensors, identity);
  tensors.sampleWeights.fill(0).fill(1, 0, samples.ids.length);
}
