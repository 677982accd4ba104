/** What a step takes while nothing happens, and what of it is neither data nor arithmetic nor exchange. */
import type { CommitRecord } from '@facet/shared';
import { median } from '../figures.js';
import { stepTimes, type Metrics } from '../run-metrics.js';

/** So many steps after a checkpoint was begun feel it. */
const NEAR_CHECKPOINT = 2;

export interface Steady {
  readonly stepMs: number;
  readonly otherShare: number;
  /** What a checkpoint adds to a step, spread over all steps and relative to one. */
  readonly checkpointStall: number;
}

/**
 * Reads it from the times of commits and the metrics of the workers.
 *
 * @param everySteps steps from one checkpoint to the next
 */
export function steadyOf(
  commits: readonly Pick<CommitRecord, 'step' | 'at'>[],
  workers: readonly Metrics[],
  everySteps: number,
): Steady {
  const times = commits.map(({ at, step }) => ({ step, atMs: Date.parse(at) }));
  const gaps = times.slice(1).map(({ step, atMs }, index) => ({ step, ms: atMs - times[index]!.atMs }));
  const isNear = ({ step }: { step: number }): boolean => step % everySteps <= NEAR_CHECKPOINT;
  const stepMs = mean(gaps.filter((gap) => !isNear(gap)));
  const nearMs = mean(gaps.filter((gap) => isNear(gap) && gap.step > NEAR_CHECKPOINT));
  return {
    stepMs,
    otherShare: median(workers.map(otherShare)),
    checkpointStall: ((NEAR_CHECKPOINT + 1) * (nearMs - stepMs)) / (everySteps * stepMs),
  };
}

function mean(gaps: readonly { readonly ms: number }[]): number {
  return gaps.reduce((sum, { ms }) => sum + ms, 0) / gaps.length;
}

function otherShare(metrics: Metrics): number {
  const { shares } = stepTimes(metrics);
  return 1 - [...shares.values()].reduce((sum, share) => sum + share, 0);
}
