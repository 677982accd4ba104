// `npm run bench -- preset [--preset NAME] [--seed N] [--workers 2] [--epochs N] [--runs FOLDER] [--json]`: a preset from start to
// end with the real command. Reports accuracy, time to the preset's goal, throughput, where the time of a step goes, and
// the memory of every process. With --runs the run is kept there.

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, publish } from './lib/figures.mjs';
import { parseMetrics, scrapeRun } from './lib/scrape.mjs';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    workers: { type: 'string', default: '2' },
    epochs: { type: 'string' },
    preset: { type: 'string', default: 'mnist-fast' },
    seed: { type: 'string' },
    runs: { type: 'string' },
  },
});

/** What each preset must reach. */
const GOALS = { 'mnist-fast': 0.985, 'mnist-best': 0.994, 'cifar10-fast': 0.84, 'cifar10-best': 0.89 };
const SAMPLE_EVERY_MS = 500;

const folder = await mkdtemp(path.join(tmpdir(), 'facet-bench-'));
const runs = path.resolve(options.runs ?? path.join(folder, 'runs'));
const run = [options.preset, ...(options.seed === undefined ? [] : ['seed', options.seed])].join('-');
try {
  const scraped = await train();
  const result = JSON.parse(await readFile(path.join(runs, run, 'result.json'), 'utf8'));
  report(result, scraped);
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Trains with `facet up` and scrapes every process of the run twice a second. */
async function train() {
  const main = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));
  const { preset, workers, epochs, seed } = options;
  const args = ['up', '--preset', preset, '--workers', workers, '--run', run, '--json'];
  if (epochs !== undefined) args.push('--epochs', epochs);
  if (seed !== undefined) args.push('--seed', seed);
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, FACET_RUNS: runs },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const scraped = { memory: new Map(), last: [] };
  const timer = setInterval(() => {
    scrapeRun(path.join(runs, run)).then(
      (processes) => {
        // At the end the workers are gone first.
        if (processes.some(({ role }) => role === 'worker')) scraped.last = processes;
        for (const { role, target, text } of processes) {
          const { megabytes } = scraped.memory.get(target) ?? { megabytes: [] };
          megabytes.push(parseMetrics(text).process_resident_memory_bytes / 1e6);
          scraped.memory.set(target, { role, megabytes });
        }
      },
      () => undefined, // The run is starting or ending.
    );
  }, SAMPLE_EVERY_MS);
  const code = await ended;
  clearInterval(timer);
  if (code !== 0) throw new Error(`facet up ended with exit code ${code}`);
  return scraped;
}

function report(result, { memory, last }) {
  const workers = last.filter((p) => p.role === 'worker').map((p) => parseMetrics(p.text));
  const sum = (metrics, part) => metrics[`facet_worker_step_part_duration_seconds_sum{part="${part}"}`] ?? 0;
  const rows = workers.map((metrics, index) => {
    const total = metrics.facet_worker_step_duration_seconds_sum;
    const steps = metrics.facet_worker_step_duration_seconds_count;
    const share = (part) => Number(((100 * sum(metrics, part)) / total).toFixed(1));
    return {
      worker: index,
      stepMs: Number(((1000 * total) / steps).toFixed(2)),
      computePercent: share('compute'),
      shardWaitPercent: share('shard_wait'),
      allReducePercent: share('all_reduce'),
      updatePercent: share('update'),
      otherPercent: Number(
        (100 - share('compute') - share('shard_wait') - share('all_reduce') - share('update')).toFixed(1),
      ),
    };
  });
  const overhead = median(rows.map((row) => 1 - row.computePercent / 100));

  const memoryOf = (role) => {
    const all = [...memory.values()].filter((process) => process.role === role).map(({ megabytes }) => megabytes);
    // Growth between the first and the last tenth of the second half: after everything has been allocated once.
    const growth = all.map((values) => {
      const half = values.slice(Math.floor(values.length / 2));
      const tenth = Math.max(1, Math.floor(half.length / 5));
      return median(half.slice(-tenth)) - median(half.slice(0, tenth));
    });
    return { peakMB: Math.round(Math.max(...all.flat())), growthMB: Math.round(Math.max(...growth)) };
  };
  const coordinator = memoryOf('coordinator');
  const worker = memoryOf('worker');

  let seconds = 0;
  let secondsToGoal = null;
  const goal = GOALS[options.preset];
  for (const epoch of result.history) {
    seconds += epoch.seconds;
    if (secondsToGoal === null && epoch.testAccuracy >= goal) secondsToGoal = Number(seconds.toFixed(1));
  }
  publish({
    bench: 'preset',
    rows,
    figures: {
      preset: options.preset,
      seed: options.seed ?? null,
      testAccuracy: result.testAccuracy,
      epochs: result.epochs,
      trainSeconds: result.trainSeconds,
      wallSeconds: result.wallSeconds,
      goal,
      secondsToGoal,
      imagesPerSecond: result.imagesPerSecond,
      coordinatorPeakMB: coordinator.peakMB,
      coordinatorGrowthMB: coordinator.growthMB,
      workerPeakMB: worker.peakMB,
      workerGrowthMB: worker.growthMB,
      weightsSha256: result.weightsSha256,
    },
    ratios: { orchestrationShareOfStep: Number(overhead.toFixed(4)) },
    isJson: options.json,
  });
}
