/** The worker's own results as wire messages. */
import type { StepDone } from '@facet/proto';
import type { StepResult } from './train/generation-loop.js';

export function stepDoneMessage(generation: number, result: StepResult): StepDone {
  return { generation, ...result };
}
