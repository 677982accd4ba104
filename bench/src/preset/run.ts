/**
 * Trains a preset with `facet up` and scrapes every process of the run twice a second: what comes out, where the time of a
 * step goes, and the memory of every process.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PresetName } from '@facet/multiview/config';
import { z } from 'zod';
import type { BenchContext, OptionValues, Run } from '../bench.js';
import { median, round } from '../figures.js';
import { stepTimes } from '../run-metrics.js';
import type { PresetFigures, PresetOptions, PresetRatios, PresetRow } from './definition.js';
import { memoryOf } from './process-memory.js';
import { trainAndScrape } from './train-and-scrape.js';

/** What each preset must reach. */
const GOALS: Readonly<Record<PresetName, number>> = {
  'mnist-fast': 0.985,
  'mnist-best': 0.994,
  'cifar10-fast': 0.84,
  'cifar10-best': 0.89,
};

/** Enough steps to scrape a few times. */
const SMALL_SAMPLES = ['--set', 'samples.train=4096', '--set', 'samples.test=256'];

/** What we read of a run's result.json. */
const resultShape = z.object({
  testAccuracy: z.number(),
  epochs: z.int(),
  trainSeconds: z.number(),
  wallSeconds: z.number(),
  imagesPerSecond: z.number(),
  weightsSha256: z.string(),
  history: z.array(z.object({ seconds: z.number(), testAccuracy: z.number() })),
});

export const runPreset: Run<PresetOptions, PresetRow, PresetFigures, PresetRatios> = async (options, context) => {
  const { preset, seed } = options;
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-bench-'));
  const runs = path.resolve(options.runs ?? path.join(folder, 'runs'));
  const run = [preset, ...(seed === undefined ? [] : ['seed', seed])].join('-');
  try {
    const { memory, last } = await trainAndScrape(runs, run, flagsOf(options, context), context);
    const result = resultShape.parse(JSON.parse(await readFile(path.join(runs, run, 'result.json'), 'utf8')));
    const rows = last.filter(({ role }) => role === 'worker').map(({ metrics }, worker) => rowOf(worker, metrics));
    const [coordinator, worker] = [memoryOf(memory, 'coordinator'), memoryOf(memory, 'worker')];
    const { testAccuracy, epochs, trainSeconds, wallSeconds, imagesPerSecond, weightsSha256, history } = result;
    const goal = GOALS[preset];
    return {
      rows,
      figures: {
        ...{ preset, seed: seed ?? null, testAccuracy, epochs, trainSeconds, wallSeconds, goal },
        secondsToGoal: secondsTo(goal, history),
        imagesPerSecond,
        coordinatorPeakMB: coordinator.peakMB,
        coordinatorGrowthMB: coordinator.growthMB,
        workerPeakMB: worker.peakMB,
        workerGrowthMB: worker.growthMB,
        weightsSha256,
      },
      ratios: { orchestrationShareOfStep: round(median(rows.map((row) => 1 - row.computePercent / 100))) },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

function flagsOf({ preset, workers, epochs, seed }: OptionValues<PresetOptions>, { isSmall }: BenchContext): string[] {
  return [
    ...['--preset', preset, '--workers', String(workers)],
    ...(epochs === undefined ? [] : ['--epochs', String(epochs)]),
    ...(seed === undefined ? [] : ['--seed', String(seed)]),
    ...(isSmall ? SMALL_SAMPLES : []),
  ];
}

function rowOf(worker: number, metrics: Parameters<typeof stepTimes>[0]): PresetRow {
  const { steps, seconds, shares } = stepTimes(metrics);
  const percent = (share: number): number => Number((100 * share).toFixed(1));
  const shareOf = (part: string): number => shares.get(part) ?? 0;
  const [compute, shardWait, allReduce, update] = ['compute', 'shard_wait', 'all_reduce', 'update'].map(shareOf) as [
    number,
    number,
    number,
    number,
  ];
  return {
    worker,
    stepMs: Number(((1000 * seconds) / steps).toFixed(2)),
    computePercent: percent(compute),
    shardWaitPercent: percent(shardWait),
    allReducePercent: percent(allReduce),
    updatePercent: percent(update),
    otherPercent: percent(1 - compute - shardWait - allReduce - update),
  };
}

/** Seconds of training until an epoch reached the goal; null when none did. */
function secondsTo(goal: number, history: z.infer<typeof resultShape>['history']): number | null {
  const reached = history.findIndex(({ testAccuracy }) => testAccuracy >= goal);
  if (reached < 0) return null;
  return Number(
    history
      .slice(0, reached + 1)
      .reduce((sum, { seconds }) => sum + seconds, 0)
      .toFixed(1),
  );
}
