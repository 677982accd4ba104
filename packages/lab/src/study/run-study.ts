/**
 * Trains the unfinished trials of a study, one after another. A finished trial is never trained again; an interrupted one
 * goes on. The function that trains a trial is an argument.
 */
import type { StudyFolder, TrialResult } from './study-folder.js';
import { trialsOf, type StudyPlan, type Trial } from './study-plan.js';

export interface StudyObserver {
  /** `ahead`: trials that are not finished, this one included. */
  onTrial(trial: Trial, count: { readonly ahead: number; readonly all: number }): void;
  /** Waited for; `results` are those of all finished trials, this one's last. */
  onResult(trial: Trial, results: readonly TrialResult[]): Promise<void>;
}

/** Trains one trial; undefined when it was stopped by a signal. */
export type TrainTrial = (trial: Trial) => Promise<TrialResult | undefined>;

export interface StudyEnd {
  /** Of all finished trials, whenever they were trained. */
  readonly results: readonly TrialResult[];
  readonly isStopped: boolean;
}

export interface StudyWork {
  readonly folder: Pick<StudyFolder, 'readResult' | 'writeResult'>;
  readonly train: TrainTrial;
  readonly observer: StudyObserver;
}

/**
 * The trials of a study, those that are finished and those that are left.
 *
 * @throws TrainingError STUDY_CHANGED for a result that is of another configuration.
 */
export async function sortTrials(
  plan: StudyPlan,
  folder: Pick<StudyFolder, 'readResult'>,
): Promise<{ readonly results: readonly TrialResult[]; readonly left: readonly Trial[] }> {
  const results: TrialResult[] = [];
  const left: Trial[] = [];
  for (const trial of trialsOf(plan)) {
    const result = await folder.readResult(trial);
    if (result === undefined) left.push(trial);
    else results.push(result);
  }
  return { results, left };
}

/** Trains the rest of a study. If a trial throws, the study ends; finished trials stay. */
export async function runStudy(plan: StudyPlan, { folder, train, observer }: StudyWork): Promise<StudyEnd> {
  const { results: earlier, left } = await sortTrials(plan, folder);
  const results = [...earlier];
  const all = earlier.length + left.length;
  for (const [index, trial] of left.entries()) {
    observer.onTrial(trial, { ahead: left.length - index, all });
    const result = await train(trial);
    if (result === undefined) return { results, isStopped: true };
    await folder.writeResult(result);
    results.push(result);
    await observer.onResult(trial, results);
  }
  return { results, isStopped: false };
}
