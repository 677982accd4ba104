/**
 * Trains the trials of a study that are not finished, one after another. A finished one is never trained again; one that was
 * interrupted goes on. How a trial is trained is an argument.
 */
import type { StudyFolder, TrialResult } from './study-folder.js';
import { trialsOf, type StudyPlan, type Trial } from './study-plan.js';

export interface StudyObserver {
  /** `ahead`: trials that are not finished, this one included. */
  onTrial(trial: Trial, count: { readonly ahead: number; readonly all: number }): void;
  onResult(trial: Trial, result: TrialResult): void;
}

/** Trains one trial; undefined when it was stopped by a signal. */
export type TrainTrial = (trial: Trial) => Promise<TrialResult | undefined>;

export interface StudyEnd {
  /** Of all finished trials, whenever they were trained. */
  readonly results: readonly TrialResult[];
  readonly isStopped: boolean;
}

/** Trains what is left of a study; what a trial throws ends the study and leaves the finished trials where they are. */
export async function runStudy(
  plan: StudyPlan,
  {
    folder,
    train,
    observer,
  }: { readonly folder: StudyFolder; readonly train: TrainTrial; readonly observer: StudyObserver },
): Promise<StudyEnd> {
  const trials = trialsOf(plan);
  const results: TrialResult[] = [];
  const left: Trial[] = [];
  for (const trial of trials) {
    const result = await folder.readResult(trial);
    if (result === undefined) left.push(trial);
    else results.push(result);
  }
  for (const [index, trial] of left.entries()) {
    observer.onTrial(trial, { ahead: left.length - index, all: trials.length });
    const result = await train(trial);
    if (result === undefined) return { results, isStopped: true };
    await folder.writeResult(result);
    results.push(result);
    observer.onResult(trial, result);
  }
  return { results, isStopped: false };
}
