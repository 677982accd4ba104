import { describe, expect, it } from 'vitest';
import { studyPlan, studyReport, trialResult } from '../../../lab/test/made-up-study.js';
import { trialsOf } from '@facet/lab/internal';
import { ablationLines } from './ablation.js';
import { studyProgress } from './study-progress.js';

describe('a study in lines', () => {
  it('is a table of arms and what may be concluded', () => {
    const lines = ablationLines(studyReport([0.8, 0.82, 0.84], [0.811, 0.83, 0.849]));
    expect(lines.slice(0, 6)).toEqual([
      'study made-up: mnist, all training images, 3 epochs, accuracy on the held-out images; 6 of 6 trials, 6:00 of training',
      '',
      'arm                             parameters   MACs  seeds        accuracy  difference from no-injection      p  p (Holm)',
      'no-injection                        82,698  1.6 M      3  82.00 % ± 2.00                      baseline',
      'views-3                             82,698  1.6 M      3  83.00 % ± 1.90          +1.00 [+0.75, +1.25]  0.003     0.003',
      'weights-normalised (= views-3)      82,698  1.6 M      3  83.00 % ± 1.90          +1.00 [+0.75, +1.25]  0.003     0.003',
    ]);
  });

  it('has dashes where nothing is trained yet', () => {
    const lines = ablationLines(studyReport([], []));
    expect(lines[3]).toMatch(/^no-injection +82,698 +1\.6 M +0 +- +baseline$/);
    expect(lines[4]).toMatch(/^views-3 +82,698 +1\.6 M +0 +- +-$/);
    expect(lines.at(-1)).toBe('no multi-view arm can be compared with a control yet');
  });
});

it('the progress of a study says which trial, how far, and how long the rest takes at the pace so far', () => {
  const lines: string[] = [];
  let milliseconds = 0;
  const line = { show: (text: string) => lines.push(text), [Symbol.dispose]: () => undefined };
  const progress = studyProgress(line, () => milliseconds);
  const [first, second] = trialsOf(studyPlan(['no-injection', 'cross'], [1]));
  progress.begin(first!, { ahead: 2, all: 6 });
  progress.step('epoch 1 of 3');
  milliseconds = 90_000;
  progress.finish(first!, trialResult(first!, 0.91));
  progress.begin(second!, { ahead: 1, all: 6 });
  expect(lines).toEqual([
    'trial 5 of 6, no-injection, seed 1',
    'trial 5 of 6, no-injection, seed 1: epoch 1 of 3',
    'no-injection, seed 1: 91.00 % after 1:00',
    'trial 6 of 6, cross, seed 1, about 1:30 left',
  ]);
});
