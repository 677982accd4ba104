/**
 * The plan of a run that may end before its last epoch. Everything in the coordinator reads the same one, so that all know at once
 * where the end is. Nothing else of a plan ever changes.
 */
import { TrainingError, type Plan } from '@facet/shared';
import type { EarlyStop } from '../evaluation/early-stop.js';

export interface EndablePlan extends Plan {
  /** Set once the run ends early. */
  readonly earlyEnd: EarlyStop | undefined;
  /** The run ends as the change says, with the last step of an epoch. */
  endEarly(change: EarlyStop): void;
}

export function endablePlan(plan: Plan): EndablePlan {
  let { totalSteps } = plan;
  let earlyEnd: EarlyStop | undefined;
  return {
    ...plan,
    get earlyEnd() {
      return earlyEnd;
    },
    get totalSteps() {
      return totalSteps;
    },
    next(item) {
      const next = plan.next(item);
      return next === undefined || next.step > totalSteps ? undefined : next;
    },
    after: (appliedStep) => (appliedStep < totalSteps ? plan.after(appliedStep) : undefined),
    endEarly(change) {
      const { afterStep: step } = change;
      if (!plan.isLastOfEpoch(step) || step > plan.totalSteps) {
        throw new TrainingError(
          'INTERNAL',
          `a run cannot end with step ${step}, expected the last step of one of its epochs`,
        );
      }
      totalSteps = step;
      earlyEnd = change;
    },
  };
}
