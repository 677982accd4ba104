/**
 * Learning rate schedules by name: the rate of an update as a function of its number and of the length of the run. Every rank
 * computes it for itself, in double arithmetic. docs/training.md has the formulas and their sources.
 */
import type { OptimizerConfig, ScheduleName } from '@facet/shared';

/** An update of a run: `step` counts from 1 to `totalSteps`. */
interface Moment {
  readonly step: number;
  readonly totalSteps: number;
}

/** The learning rate of an update. */
type Schedule = (config: OptimizerConfig, moment: Moment) => number;

/** Share of the peak that `one-cycle` starts at: one over the `div_factor` of torch.optim.lr_scheduler.OneCycleLR. */
const ONE_CYCLE_START = 1 / 25;

const SCHEDULES: Readonly<Record<ScheduleName, Schedule>> = {
  /** A cosine from the peak down to finalShare of it (Loshchilov and Hutter 2017). */
  cosine: (config, moment) =>
    afterWarmup(config, moment, (progress) => {
      const cosine = 0.5 * (1 + Math.cos(Math.PI * progress));
      return config.peakLearningRate * (config.finalShare + (1 - config.finalShare) * cosine);
    }),

  constant: (config, moment) => afterWarmup(config, moment, () => config.peakLearningRate),

  /** A straight line from the peak down to finalShare of it. */
  linear: (config, moment) =>
    afterWarmup(config, moment, (progress) => config.peakLearningRate * (1 + (config.finalShare - 1) * progress)),

  /** The peak, multiplied by scheduleFactor after each of scheduleSteps. A step inside the warm-up counts there too. */
  step: (config, moment) => {
    let rate = afterWarmup(config, moment, () => config.peakLearningRate);
    for (const share of config.scheduleSteps) {
      if (moment.step > Math.round(share * moment.totalSteps)) rate *= config.scheduleFactor;
    }
    return rate;
  },

  /** Half a cosine up from 1/25 of the peak, and half a cosine down to finalShare of it (Smith and Topin 2018). */
  'one-cycle': ({ peakLearningRate: peak, warmupShare, finalShare }, { step, totalSteps }) => {
    // As in PyTorch the top lies between two updates if warmupShare says so.
    const top = warmupShare * totalSteps - 1;
    const at = step - 1;
    if (at > top) return annealed(peak, finalShare * peak, (at - top) / (totalSteps - 1 - top));
    return annealed(ONE_CYCLE_START * peak, peak, top > 0 ? at / top : 1);
  },
};

/**
 * The learning rate of an update.
 *
 * @param step number of the update, from 1 to `totalSteps`
 */
export function learningRate(config: OptimizerConfig, step: number, totalSteps: number): number {
  return SCHEDULES[config.schedule](config, { step, totalSteps });
}

/** Linear warm-up from 0 to the peak; after it what `decay` says of the progress from 0 to 1 between there and the end. */
function afterWarmup(
  config: OptimizerConfig,
  { step, totalSteps }: Moment,
  decay: (progress: number) => number,
): number {
  const warmupSteps = Math.max(1, Math.round(config.warmupShare * totalSteps));
  if (step <= warmupSteps) return (config.peakLearningRate * step) / warmupSteps;
  return decay((step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
}

/** Half a cosine from one value to another. */
function annealed(from: number, to: number, progress: number): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * progress));
}
