/** A preset from start to end with the real command. */
import { PRESETS, type PresetName } from '@facet/multiview/config';
import { z } from 'zod';
import { defineBench } from '../bench.js';
import { count, oneOf, optionalCount, text } from '../options.js';
import type { OptionSpec } from '../bench.js';

const names = Object.keys(PRESETS) as PresetName[];
const preset: OptionSpec<PresetName> = {
  placeholder: 'NAME',
  about: names.join(', '),
  parse: oneOf(names),
  default: 'mnist-fast',
};

const options = {
  preset,
  seed: optionalCount('seed of the run; left out: that of the preset'),
  workers: count('workers', { default: 2, least: 1 }),
  epochs: optionalCount('epochs; left out: those of the preset', { small: 1, least: 1 }),
  runs: text('FOLDER', 'keep the run in this folder of runs'),
};

const percent = z.number();

const row = z.strictObject({
  worker: z.int(),
  stepMs: z.number().positive(),
  computePercent: percent,
  shardWaitPercent: percent,
  allReducePercent: percent,
  updatePercent: percent,
  otherPercent: percent,
});

const figures = z.strictObject({
  preset: z.string(),
  seed: z.int().nullable(),
  testAccuracy: z.number().min(0).max(1),
  epochs: z.int().positive(),
  trainSeconds: z.number().positive(),
  wallSeconds: z.number().positive(),
  goal: z.number(),
  /** Seconds of training to the goal; null when it was not reached. */
  secondsToGoal: z.number().nullable(),
  imagesPerSecond: z.number().positive(),
  coordinatorPeakMB: z.number().positive(),
  coordinatorGrowthMB: z.number(),
  workerPeakMB: z.number().positive(),
  workerGrowthMB: z.number(),
  weightsSha256: z.string().length(64),
});

const ratios = z.strictObject({ orchestrationShareOfStep: z.number() });

export type PresetRow = z.infer<typeof row>;
export type PresetFigures = z.infer<typeof figures>;
export type PresetRatios = z.infer<typeof ratios>;
export type PresetOptions = typeof options;

export const presetDefinition = defineBench({
  name: 'preset',
  summary: 'a preset from start to end: accuracy, time to its goal, where a step spends its time, memory',
  options,
  shape: { row, figures, ratios },
});
