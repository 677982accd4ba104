import { describe, expect, it } from 'vitest';
import { STUDY_MAKER, studyCosts, studyPlan, studyResults, trialResult } from '../../test/made-up-study.js';
import { ablationReport, type AblationReport } from './ablation-report.js';
import { trialsOf } from './study-plan.js';
import { ablationLines, conclusion, pointsText, pText, survivors } from './ablation-lines.js';
import { studyProgress } from './study-progress.js';

function reportOf(control: readonly number[], views: readonly number[]): AblationReport {
  const plan = studyPlan(['no-injection', 'views-3', 'weights-normalised'], [1, 2, 3]);
  const results = studyResults(plan, { 'no-injection': control, 'views-3': views });
  return ablationReport({ made: STUDY_MAKER, plan, results, costs: studyCosts(plan) });
}

describe('a study in lines', () => {
  it('is a table of arms and what may be concluded', () => {
    const lines = ablationLines(reportOf([0.8, 0.82, 0.84], [0.811, 0.83, 0.849]));
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
    const lines = ablationLines(reportOf([], []));
    expect(lines[3]).toMatch(/^no-injection +82,698 +1\.6 M +0 +- +baseline$/);
    expect(lines[4]).toMatch(/^views-3 +82,698 +1\.6 M +0 +- +-$/);
    expect(lines.at(-1)).toBe('no multi-view arm can be compared with a control yet');
  });
});

describe('the conclusion', () => {
  it.each([
    ['the views help', [0.85, 0.861, 0.869]],
    ['the views harm', [0.75, 0.761, 0.769]],
    ['no difference was shown', [0.79, 0.83, 0.84]],
  ])('is that %s only when the corrected p says so', (verdict, views) => {
    expect(conclusion(reportOf([0.8, 0.81, 0.82], views))).toContain(` points: ${verdict} (3 paired seeds; p `);
  });

  it('is no difference where the best of many pairs would have been one alone', () => {
    const plan = studyPlan(['no-injection', 'placebo', 'augmented', 'views-2', 'views-3', 'cross'], [1, 2, 3]);
    const control = { 'no-injection': [0.8, 0.81, 0.82], placebo: [0.79, 0.8, 0.82], augmented: [0.78, 0.81, 0.82] };
    const views = { 'views-2': [0.8, 0.81, 0.81], 'views-3': [0.812, 0.832, 0.833], cross: [0.8, 0.8, 0.82] };
    const report = ablationReport({
      ...{ made: STUDY_MAKER, plan, costs: studyCosts(plan) },
      results: studyResults(plan, { ...control, ...views }),
    });
    const { difference, pairs } = report.best!;
    expect(pairs).toBe(9);
    expect(difference.interval![0]).toBeGreaterThan(0);
    expect(difference.p).toBeLessThan(0.05);
    expect(difference.holmP).toBeGreaterThan(0.05);
    expect(conclusion(report)).toMatch(
      /: no difference was shown \(3 paired seeds; p 0\.0\d\d alone, 0\.\d+ by Holm over the 9 pairs that could/,
    );
    expect(survivors(report)).toEqual(["after Holm's correction over 5 arms no difference from no-injection is shown"]);
  });

  it('of one seed is none', () => {
    expect(conclusion(reportOf([0.8], [0.9]))).toBe(
      'best multi-view arm views-3 against best control no-injection: +10.00 (one seed) points; one seed says nothing about chance',
    );
  });
});

it('differences have a sign, and none is no loss; a p is never said to be 0', () => {
  expect([0.0042, -0.1, 0, -0.000001].map(pointsText)).toEqual(['+0.42', '-10.00', '+0.00', '+0.00']);
  expect([0.04, 0.000_2].map(pText)).toEqual(['0.040', '<0.001']);
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
