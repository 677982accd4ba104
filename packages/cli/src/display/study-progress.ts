/**
 * What a person reads while a study is trained: which trial, how far it is, about how long the rest takes, and what each
 * trial came to. The estimate is from the trials of this command only: earlier ones may have had other workers.
 */
import type { ProgressLine } from './fetch-progress.js';
import { formatAccuracy, formatSeconds, type TrialResult, type Trial } from '@facet/lab/data';

export interface StudyProgress {
  /** A trial begins; `ahead`: trials that are not finished, this one included. */
  readonly begin: (trial: Trial, count: { readonly ahead: number; readonly all: number }) => void;
  /** How far the trial is. */
  readonly step: (text: string) => void;
  readonly note: (text: string) => void;
  readonly finish: (trial: Trial, result: TrialResult) => void;
}

/** Shows a study on a line; `now` in milliseconds. */
export function studyProgress(line: ProgressLine, now: () => number = () => performance.now()): StudyProgress {
  const startedAt = now();
  let done = 0;
  let head = '';
  return {
    begin: ({ arm, seed }, { ahead, all }) => {
      const seconds = (now() - startedAt) / 1_000;
      const left = done === 0 ? '' : `, about ${formatSeconds((seconds / done) * ahead)} left`;
      head = `trial ${all - ahead + 1} of ${all}, ${arm}, seed ${seed}${left}`;
      line.show(head, true);
    },
    step: (text) => {
      line.show(`${head}: ${text}`, true);
    },
    note: (text) => {
      line.show(text, false);
    },
    finish: ({ arm, seed }, { accuracy, trainSeconds }) => {
      done += 1;
      line.show(`${arm}, seed ${seed}: ${formatAccuracy(accuracy)} after ${formatSeconds(trainSeconds)}`, false);
    },
  };
}
