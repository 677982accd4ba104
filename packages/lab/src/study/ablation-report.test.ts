import { describe, expect, it } from 'vitest';
import type { ArmName } from '@facet/multiview/config';
import { STUDY_MAKER, studyBase, studyCosts, studyPlan, studyResults } from '../../test/made-up-study.js';
import { ablationReport, type AblationReport } from './ablation-report.js';
import { studyCommand } from './study-command.js';

const ARMS: readonly ArmName[] = ['no-injection', 'placebo', 'views-3', 'weights-normalised', 'cross'];
const PLAN = studyPlan(ARMS, [1, 2, 3]);

/** A report over `ARMS` on three seeds. */
function reportOf(accuracies: Partial<Record<ArmName, readonly number[]>>, plan = PLAN): AblationReport {
  return ablationReport({ made: STUDY_MAKER, plan, results: studyResults(plan, accuracies), costs: studyCosts(plan) });
}

const WHOLE = reportOf({
  'no-injection': [0.8, 0.82, 0.84],
  placebo: [0.79, 0.82, 0.85],
  'views-3': [0.81, 0.83, 0.853],
  cross: [0.8, 0.81, 0.86],
});

describe('an arm of the report', () => {
  const arm = (name: ArmName) => WHOLE.arms.find((each) => each.name === name)!;

  it('has its mean, its spread and its curve over the seeds', () => {
    expect(arm('no-injection')).toMatchObject({ trials: [{ seed: 1 }, { seed: 2 }, { seed: 3 }], parameters: 82_698 });
    expect(arm('no-injection').mean).toBeCloseTo(0.82, 12);
    expect(arm('no-injection').standardDeviation).toBeCloseTo(0.02, 12);
    expect(arm('no-injection').curve.map((value) => Number(value.toFixed(6)))).toEqual([0.41, 0.82]);
  });

  it('differs from the baseline seed by seed, and the baseline from nothing', () => {
    expect(arm('no-injection').difference).toBeUndefined();
    expect(arm('views-3').difference).toMatchObject({ seeds: 3 });
    expect(arm('views-3').difference!.mean).toBeCloseTo(0.011, 12);
  });

  it('that is another one by name shares its trials and its difference', () => {
    expect(arm('weights-normalised').sameAs).toBe('views-3');
    expect(arm('weights-normalised').trials).toEqual(arm('views-3').trials);
    expect(arm('weights-normalised').difference).toEqual(arm('views-3').difference);
  });

  it('counts once in the adjustment of p, whatever it is called', () => {
    // Three differences: the smallest p is multiplied by 3, not by 4.
    const { p, holmP } = arm('views-3').difference!;
    expect(holmP).toBeCloseTo(3 * p!, 12);
  });

  it('that is the baseline by another name has no difference and is not counted', () => {
    const plan = {
      ...studyPlan(['views-3', 'weights-normalised', 'cross'], [1, 2]),
      baseline: 'weights-normalised' as const,
    };
    const { arms } = reportOf({ 'views-3': [0.8, 0.81], cross: [0.82, 0.84] }, plan);
    const [three, normalised, cross] = arms.map(({ difference }) => difference);
    expect([three, normalised]).toEqual([undefined, undefined]);
    expect(cross!.holmP).toBe(cross!.p);
  });
});

describe('the whole report', () => {
  it('compares the best multi-view arm with the best control', () => {
    expect(WHOLE.best).toMatchObject({ arm: 'views-3', control: 'no-injection', difference: { seeds: 3 } });
  });

  it('counts trials and time', () => {
    expect(WHOLE).toMatchObject({ trialsFinished: 12, trialsPlanned: 12, trainSeconds: 720 });
    expect(WHOLE.engines).toEqual(['onnxruntime/cpu']);
  });

  it('of a study that is not finished says only what there is', () => {
    const { arms, best, trialsFinished } = reportOf({ 'no-injection': [0.8, 0.82], 'views-3': [0.81] });
    expect(trialsFinished).toBe(3);
    expect(arms.map(({ trials }) => trials.length)).toEqual([2, 0, 1, 1, 0]);
    expect(arms[2]!.difference).toMatchObject({ seeds: 1, interval: undefined, p: undefined, holmP: undefined });
    expect(arms[1]).toMatchObject({ curve: [], difference: undefined });
    expect(arms[1]!.mean).toBeUndefined();
    expect(best!.difference.seeds).toBe(1);
    expect(reportOf({}).best).toBeUndefined();
    expect(reportOf({ cross: [0.8] }).best).toBeUndefined();
  });
});

describe('the command that repeats a study', () => {
  it('says only what is not as every study has it', () => {
    expect(studyCommand(studyPlan(['no-injection', 'views-3'], [1, 2]))).toBe(
      'facet ablate --study made-up --preset mnist-fast --arms no-injection,views-3 --seeds 1,2 --baseline no-injection',
    );
  });

  it('quotes what a shell would read otherwise', () => {
    const base = studyBase({ epochs: 40, samples: { train: 1000 }, model: { pixels: { mean: [0.5] } } });
    expect(studyCommand(studyPlan(['cross'], [1], base))).toContain(
      " --set epochs=40 --set samples.train=1000 --set 'model.pixels.mean=[0.5]' --arms cross ",
    );
  });
});
