/** The learning rate of every step of a run, from the configuration in one of its checkpoints and the changes in its ledger. */
import { asStarted, stepRule, withChange, type Changeable, type RunConfig } from '@facet/shared';
import { learningRate } from '@facet/task/data';
import type { RateAt } from './training-curve.js';

/** @param config of a checkpoint: it is of one moment, and the ledger of the whole run, which has later changes too */
export function ratesOf(config: RunConfig): RateAt {
  const started = asStarted(config);
  return (step, { stepsPerEpoch, changes }) => {
    const changed = changes.reduce<Changeable>((before, change) => withChange(before, change), started);
    const { optimizer, schedule } = stepRule(changed, stepsPerEpoch, step);
    return learningRate(optimizer, schedule.step, schedule.totalSteps);
  };
}
