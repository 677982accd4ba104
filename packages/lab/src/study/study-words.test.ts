import { describe, expect, it } from 'vitest';
import { STUDY_MAKER, studyCosts, studyPlan, studyReport, studyResults } from '../../test/made-up-study.js';
import { ablationReport } from './ablation-report.js';
import { conclusion, pointsText, pText, survivors } from './study-words.js';

describe('the conclusion', () => {
  it.each([
    ['the views help', [0.85, 0.861, 0.869]],
    ['the views harm', [0.75, 0.761, 0.769]],
    ['no difference was shown', [0.79, 0.83, 0.84]],
  ])('is that %s only when the corrected p says so', (verdict, views) => {
    expect(conclusion(studyReport([0.8, 0.81, 0.82], views))).toContain(` points: ${verdict} (3 paired seeds; p `);
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
    expect(conclusion(studyReport([0.8], [0.9]))).toBe(
      'best multi-view arm views-3 against best control no-injection: +10.00 (one seed) points; one seed says nothing about chance',
    );
  });
});

it('differences have a sign, and none is no loss; a p is never said to be 0', () => {
  expect([0.0042, -0.1, 0, -0.000001].map(pointsText)).toEqual(['+0.42', '-10.00', '+0.00', '+0.00']);
  expect([0.04, 0.000_2].map(pText)).toEqual(['0.040', '<0.001']);
});
