// `npm run bench -- recovery [--workers 4] [--kills 50] [--stops 10] [--failovers 5] [--json]`: how soon a run goes on after a worker is
// killed or stopped, how soon the coordinator notices, how soon a standby has taken over from a coordinator that is killed or
// stopped (so many times each), and what the machinery for it costs while nothing happens. Times are those of the
// ledger and the coordinator's log, so nothing is polled that could blur them. Run it on an idle machine.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { figureKey, publish, quantile, round } from './lib/figures.mjs';
import { openRecoveryRun } from './lib/recovery-run.mjs';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    workers: { type: 'string', default: '4' },
    kills: { type: 'string', default: '50' },
    stops: { type: 'string', default: '10' },
    failovers: { type: 'string', default: '5' },
  },
});

/** Steps between a recovery and the next fault, so that each meets a run in its stride. */
const CALM_STEPS = 20;
const CHECKPOINT_EVERY = 25;
/** Steps before the first fault, to measure the calm. */
const STEADY_STEPS = 150;

const folder = await mkdtemp(path.join(tmpdir(), 'facet-recovery-'));
const workers = Number(options.workers);
const run = await openRecoveryRun({ folder, workers, checkpointEvery: CHECKPOINT_EVERY });
try {
  await run.waitForSteps(STEADY_STEPS);
  const steady = await run.readSteady(CHECKPOINT_EVERY);
  const kills = await repeat(Number(options.kills), 'SIGKILL');
  const stops = await repeat(Number(options.stops), 'SIGSTOP');
  // Last: a worker that starts afterwards would not find the successor.
  const killedLeaders = await failOver(Number(options.failovers), 'SIGKILL');
  const stoppedLeaders = await failOver(Number(options.failovers), 'SIGSTOP');
  const of = (list, field, share) =>
    list.length === 0
      ? NaN
      : round(
          quantile(
            list.map((entry) => entry[field]),
            share,
          ),
        );
  publish({
    bench: 'recovery',
    isJson: options.json,
    rows: [...kills, ...stops, ...killedLeaders, ...stoppedLeaders].map((entry) => ({
      ...entry,
      ...(entry.detectionMs !== undefined && { detectionMs: round(entry.detectionMs) }),
      recoveryMs: round(entry.recoveryMs),
    })),
    figures: {
      workers,
      [figureKey('kill to next step p50 ms')]: of(kills, 'recoveryMs', 0.5),
      [figureKey('kill to next step p99 ms')]: of(kills, 'recoveryMs', 0.99),
      [figureKey('kill noticed p50 ms')]: of(kills, 'detectionMs', 0.5),
      [figureKey('kill noticed worst ms')]: of(kills, 'detectionMs', 1),
      [figureKey('stop to next step p50 ms')]: of(stops, 'recoveryMs', 0.5),
      [figureKey('stop noticed p50 ms')]: of(stops, 'detectionMs', 0.5),
      [figureKey('stop noticed worst ms')]: of(stops, 'detectionMs', 1),
      [figureKey('failover kill to next step p50 ms')]: of(killedLeaders, 'recoveryMs', 0.5),
      [figureKey('failover kill to next step worst ms')]: of(killedLeaders, 'recoveryMs', 1),
      [figureKey('failover stop to next step p50 ms')]: of(stoppedLeaders, 'recoveryMs', 0.5),
      [figureKey('failover stop to next step worst ms')]: of(stoppedLeaders, 'recoveryMs', 1),
      [figureKey('step ms')]: round(steady.stepMs),
    },
    ratios: {
      [figureKey('other share of a step')]: round(steady.otherShare),
      [figureKey('checkpoint stall per step')]: round(steady.checkpointStall),
    },
    notes: [`a checkpoint every ${CHECKPOINT_EVERY} steps; a step takes as long as the ledger says`],
  });
} finally {
  await run.close();
  await rm(folder, { recursive: true, force: true });
}

async function failOver(count, signal) {
  const measured = [];
  for (let index = 0; index < count; index++) {
    measured.push({ part: 'failover', signal, ...(await run.failOver(signal, CALM_STEPS)) });
  }
  return measured;
}

async function repeat(count, signal) {
  const measured = [];
  for (let index = 0; index < count; index++) {
    await run.waitForFullWorld(CALM_STEPS);
    measured.push({ part: 'worker', signal, ...(await run.harm(signal)) });
  }
  return measured;
}
