import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { openDataset } from '@facet/datasets';
import { PROBE_SHAPE } from '../../../multiview/test/probe-shape.js';
import { withModel, randomModel, writeDataset } from '../../test/trained-model.js';
import { wholeImages } from '../evaluation/whole-images.js';
import { inspectModel, type InspectOptions } from './inspect-model.js';
import { openInspector } from './inspector.js';
import { surveyImages } from './survey.js';

const SAMPLES = 20;

let options: InspectOptions;

beforeAll(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-inspection-'));
  await writeDataset(folder, SAMPLES);
  const dataset = await openDataset({ name: 'mnist', folder });
  await rm(folder, { recursive: true });
  const model = randomModel();
  const ids = Uint32Array.from({ length: SAMPLES }, (_, id) => id);
  const inspector = await openInspector(model, { threads: 1 });
  const { answers } = await surveyImages(inspector, wholeImages(dataset, dataset.test, ids));
  await inspector.close();
  const mistakes = [...ids].filter((id) => answers[id] !== dataset.test.labels[id]);
  options = { model, dataset, split: 'test', mistakes, threads: 1 };
});

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

it('shows right answers, then the worst mistakes, with maps that add up to 1 and a picture of every view', async () => {
  const { report, pictures } = await inspectModel(options);
  const { image, config } = PROBE_SHAPE;
  const wrong = report.samples.filter(({ truth, answer }) => truth !== answer);
  expect(wrong.map(({ sample }) => sample)).toEqual(options.mistakes.slice(0, 4));
  expect(report.samples.slice(-wrong.length)).toEqual(wrong);
  for (const { heads, pooling } of report.samples) {
    expect(heads).toHaveLength(config.heads);
    for (const map of [pooling, ...heads.map((seen) => seen.flat())]) expect(sumOf(map)).toBeCloseTo(1, 3);
  }
  expect(report.views).toEqual(config.views);
  for (const weights of report.viewWeights) expect(sumOf(weights)).toBeCloseTo(1, 3);
  expect(pictures.map((views) => views.length)).toEqual(report.samples.map(() => config.views.length));
  // The first view is the image itself.
  const bytes = image.height * image.width;
  const { sample } = report.samples[0]!;
  expect(pictures[0]![0]).toEqual(options.dataset.test.pixels.slice(sample * bytes, (sample + 1) * bytes));
});

it('scores attention between the views, and 1 with the same checkpoint', async () => {
  const { report } = await inspectModel({ ...options, compared: { name: 'twin', model: options.model } });
  const { images, topCount, scores } = report.correspondence;
  expect([images, topCount]).toEqual([SAMPLES, 1]);
  const others = PROBE_SHAPE.config.views.filter((view) => view !== 'identity');
  expect(scores.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    ...others.map((view) => `view ${view}`),
    'checkpoint twin',
  ]);
  expect(scores.at(-1)!.score).toBeCloseTo(1, 12);
});

it('says the same of every image whatever its place in a micro-batch', async () => {
  const [first] = options.mistakes as [number];
  const alone = await inspectModel({ ...options, mistakes: [first] });
  const among = await inspectModel(options);
  const of = ({ report }: typeof alone) => report.samples.find(({ sample }) => sample === first);
  expect(of(alone)).toEqual(of(among));
});

it.each([
  ['patches and merging', { patchStride: 2, merge: 2 }],
  ['a convolution', { patchStride: 1, merge: 1, mergeSize: 3, stemConvolutions: [{ features: 8, stride: 2 }] }],
])('lays tokens over the whole image where the stem narrows it by %s', async (_what, changes) => {
  const model = randomModel({}, { ...PROBE_SHAPE.config, ...changes });
  const { report } = await inspectModel({ ...options, model });
  expect(report.side * report.tokenPixels).toBe(PROBE_SHAPE.image.height);
});

it('refuses to compare with a checkpoint that has other tokens', async () => {
  const { model } = options;
  const { model: fine } = model.config.task.options;
  const other = { ...model, config: withModel(model.config, { ...fine, patchStride: fine.patchStride * 2 }) };
  await expect(inspectModel({ ...options, compared: { name: 'b', model: other } })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/^b reads mnist in \d+ tokens, expected mnist in \d+ tokens /),
  });
});
