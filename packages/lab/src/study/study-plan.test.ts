import { readFileSync } from 'node:fs';
import { ARM_NAMES, requireMultiView } from '@facet/multiview/config';
import { trainingPart } from '@facet/shared';
import { describe, expect, it } from 'vitest';
import { studyBase, studyPlan } from '../../test/made-up-study.js';
import {
  armKey,
  extendPlan,
  keysSetBy,
  readArms,
  readSeeds,
  requireBaseline,
  trialsOf,
  withArm,
  type StudyPlan,
} from './study-plan.js';

describe('--arms and --seeds', () => {
  it('are lists in the order in which they were given', () => {
    expect(readArms('views-3, no-injection')).toEqual(['views-3', 'no-injection']);
    expect(readArms(ARM_NAMES.join())).toEqual(ARM_NAMES);
    expect(readSeeds('7,1-3, 5')).toEqual([7, 1, 2, 3, 5]);
  });

  it.each([
    ['views-33', `--arms: there is no arm 'views-33', expected some of ${ARM_NAMES.join(', ')}; did you mean views-3?`],
    ['cross,views-1,cross', '--arms: cross is given twice, expected it once'],
    ['cross,', "--arms: 'cross,', expected a list separated by commas without gaps"],
  ])('arms %j are refused', (text, message) => {
    expect(() => readArms(text)).toThrow(message);
  });

  it.each([
    ['1,2,1-3', '--seeds: 1 is given twice, expected it once'],
    ['one', "--seeds: 'one', expected whole numbers as in 1,2,3 or a range as in 1-5"],
    ['-1', "--seeds: '-1', expected whole numbers as in 1,2,3 or a range as in 1-5"],
    ['5-1', "--seeds: '5-1', expected a range of 1 to 100 seeds, the smaller one first"],
    ['1-101', "--seeds: '1-101', expected a range of 1 to 100 seeds, the smaller one first"],
  ])('seeds %j are refused', (text, message) => {
    expect(() => readSeeds(text)).toThrow(message);
  });

  it('a baseline is one of the arms', () => {
    expect(requireBaseline('cross', ['views-3', 'cross'])).toBe('cross');
    expect(() => requireBaseline('placebo', ['views-3', 'cross'])).toThrow(
      "--baseline: 'placebo', expected one of the arms of the study: views-3, cross",
    );
  });
});

describe('the trials of a plan', () => {
  it('come seed by seed, so that a study that is stopped has pairs', () => {
    const trials = trialsOf(studyPlan(['no-injection', 'views-3'], [2, 1]));
    expect(trials.map(({ name }) => name)).toEqual([
      'no-injection-seed-2',
      'views-3-seed-2',
      'no-injection-seed-1',
      'views-3-seed-1',
    ]);
  });

  it('are trained once for arms that are the same', () => {
    const plan = studyPlan(['no-injection', 'views-3', 'weights-normalised', 'weights-raw'], [1]);
    expect(plan.arms[1]!.key).toBe(plan.arms[2]!.key);
    expect(trialsOf(plan).map(({ arm }) => arm)).toEqual(['no-injection', 'views-3', 'weights-raw']);
  });

  it('are named by keys that do not depend on the seed and do on everything else', () => {
    const base = studyBase();
    expect(armKey({ ...base, seed: 9 })).toBe(armKey(base));
    expect(armKey({ ...base, epochs: base.epochs + 1 })).not.toBe(armKey(base));
  });
});

it('the keys that arms set are named once, with dots', () => {
  expect(keysSetBy(['no-injection', 'augmented'])).toEqual([
    'model.injection',
    'model.views',
    'augmentation.scaleShare',
    'augmentation.rotateDegrees',
  ]);
});

describe('a plan that goes on', () => {
  const before = studyPlan(['no-injection', 'views-3'], [1, 2]);

  it('keeps what it has and takes more arms and seeds behind it', () => {
    const wanted = { ...studyPlan(['cross', 'views-3'], [2, 3]), baseline: 'views-3' as const };
    const plan = extendPlan(before, wanted);
    expect(plan.arms.map(({ name }) => name)).toEqual(['no-injection', 'views-3', 'cross']);
    expect(plan.seeds).toEqual([1, 2, 3]);
    expect(plan.baseline).toBe('views-3');
    expect(trialsOf(plan)).toEqual(expect.arrayContaining(trialsOf(before)));
  });

  it('names what would make it another study', () => {
    const longer = studyPlan(['no-injection'], [1], studyBase({ epochs: 9, optimizer: { weightDecay: 0 } }));
    expect(() => extendPlan(before, longer)).toThrow(
      'study made-up was planned with another epochs, optimizer.weightDecay; leave it out to go on (a key that is not said now is new in this version), or choose another name with --study',
    );
  });

  it('refuses an arm that means something else than when it was planned', () => {
    const earlier = { ...before, arms: before.arms.map((arm) => ({ ...arm, key: 'b'.repeat(64) })) };
    expect(() => extendPlan(earlier, before)).toThrow(
      'arm no-injection of study made-up is another one in this version',
    );
  });
});

it('a plan that was stored before options had a place of their own has the same arms today', () => {
  const file = new URL('../../../shared/test/first-form/study-plan.json', import.meta.url);
  const plan = JSON.parse(readFileSync(file, 'utf8')) as StudyPlan;
  const base = requireMultiView(trainingPart(plan.base), 'a study');
  expect(plan.arms.map(({ name }) => armKey(withArm({ ...base, seed: 0 }, name)))).toEqual(
    plan.arms.map(({ key }) => key),
  );
});
