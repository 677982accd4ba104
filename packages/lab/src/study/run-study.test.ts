import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { studyPlan, trialResult } from '../../test/made-up-study.js';
import { runStudy, sortTrials, type StudyEnd, type TrainTrial } from './run-study.js';
import { studyFolder, type StudyFolder } from './study-folder.js';
import { extendPlan, type StudyPlan } from './study-plan.js';

const PLAN = studyPlan(['no-injection', 'views-3'], [1, 2]);
const TRIALS = ['no-injection-seed-1', 'views-3-seed-1', 'no-injection-seed-2', 'views-3-seed-2'];

let runs = '';
let folder: StudyFolder;
let trained: string[];

beforeEach(async () => {
  runs = await mkdtemp(path.join(tmpdir(), 'facet-study-'));
  folder = studyFolder(runs, 'made-up');
  await folder.writePlan(PLAN);
  trained = [];
});

afterEach(() => rm(runs, { recursive: true }));

const well: TrainTrial = (trial) => Promise.resolve(trialResult(trial, trial.seed / 10));

/** Trains in the folder and keeps the names of the trials that began. */
function study(train: TrainTrial = well, plan: StudyPlan = PLAN): Promise<StudyEnd> {
  return runStudy(plan, {
    folder,
    train,
    observer: {
      onTrial: ({ name }, { ahead, all }) => trained.push(`${name}, ${ahead} of ${all}`),
      onResult: () => Promise.resolve(),
    },
  });
}

/** Trains well until so many trials are done, then something else happens. */
function failingAfter(count: number, then: TrainTrial): TrainTrial {
  let done = 0;
  return (trial) => (done++ < count ? well(trial) : then(trial));
}

describe('a study', () => {
  it('trains every trial once, and none when it is run again', async () => {
    const { results, isStopped } = await study();
    expect(isStopped).toBe(false);
    expect(results.map(({ trial }) => trial)).toEqual(TRIALS);
    expect(trained).toEqual(TRIALS.map((name, i) => `${name}, ${4 - i} of 4`));
    trained = [];
    expect(await study()).toEqual({ results, isStopped: false });
    expect(trained).toEqual([]);
  });

  it('that is stopped keeps what is finished, and goes on with the trial that was stopped', async () => {
    const stopped = await study(failingAfter(1, () => Promise.resolve(undefined)));
    expect(stopped).toMatchObject({ isStopped: true, results: [{ trial: TRIALS[0] }] });
    trained = [];
    const { results } = await study();
    expect(trained.map((text) => text.split(',')[0])).toEqual(TRIALS.slice(1));
    expect(results.map(({ trial }) => trial)).toEqual(TRIALS);
  });

  it('that fails keeps what is finished', async () => {
    const failure = new Error('out of memory');
    await expect(study(failingAfter(2, () => Promise.reject(failure)))).rejects.toBe(failure);
    expect((await readdir(path.join(folder.path, 'results'))).sort()).toEqual([
      'no-injection-seed-1.json',
      'views-3-seed-1.json',
    ]);
    expect((await sortTrials(PLAN, folder)).left.map(({ name }) => name)).toEqual(TRIALS.slice(2));
  });

  it('trains only what is new when arms or seeds are added', async () => {
    await study();
    trained = [];
    await study(well, extendPlan(PLAN, studyPlan(['no-injection', 'cross'], [3])));
    expect(trained.map((text) => text.split(',')[0])).toEqual([
      'cross-seed-1',
      'cross-seed-2',
      'no-injection-seed-3',
      'views-3-seed-3',
      'cross-seed-3',
    ]);
  });

  it('reports after every trial with the results so far', async () => {
    const counts: number[] = [];
    const onResult = (_: unknown, results: readonly unknown[]): Promise<void> => {
      counts.push(results.length);
      return Promise.resolve();
    };
    await runStudy(PLAN, { folder, train: well, observer: { onTrial: () => undefined, onResult } });
    expect(counts).toEqual([1, 2, 3, 4]);
  });
});

describe("a study's folder", () => {
  it('gives back the plan that was written, and none where there is no study', async () => {
    expect(await folder.readPlan()).toEqual(PLAN);
    expect(await studyFolder(runs, 'other').readPlan()).toBeUndefined();
    expect(() => studyFolder(runs, '../other')).toThrow("'../other' cannot be the name of a study: expected ");
  });

  it('refuses a result of another configuration, and a file that is damaged', async () => {
    await study();
    const file = path.join(folder.path, 'results', `${TRIALS[0]}.json`);
    const result = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...result, key: 'b'.repeat(64) }));
    await expect(study()).rejects.toMatchObject({ code: 'STUDY_CHANGED', message: expect.stringContaining(file) });
    await writeFile(file, '{"trial":');
    await expect(study()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(file) });
  });
});
