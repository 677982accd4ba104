/**
 * Harms a run again and again, and what the machinery for it costs while nothing happens. Times are those of the ledger and
 * the coordinator's log, so nothing is polled that could blur them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Run } from '../bench.js';
import { quantile, round } from '../figures.js';
import type { RecoveryFigures, RecoveryOptions, RecoveryRatios, RecoveryRow } from './definition.js';
import { openRecoveryRun, type RecoveryRun } from './recovery-run.js';

type Signal = RecoveryRow['signal'];

/** How calm a run must be, and how often it writes a checkpoint. */
interface Pace {
  /** Steps between a recovery and the next fault, so that each meets a run in its stride. */
  readonly calmSteps: number;
  readonly checkpointEvery: number;
  /** Steps before the first fault, to measure the calm. */
  readonly steadySteps: number;
}

const PACE: Pace = { calmSteps: 20, checkpointEvery: 25, steadySteps: 150 };
const SMALL_PACE: Pace = { calmSteps: 2, checkpointEvery: 5, steadySteps: 15 };

export const runRecovery: Run<RecoveryOptions, RecoveryRow, RecoveryFigures, RecoveryRatios> = async (
  { workers, kills: killCount, stops: stopCount, failovers, store: isStored },
  { signal, isSmall },
) => {
  const pace = isSmall ? SMALL_PACE : PACE;
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-recovery-'));
  try {
    await using run = await openRecoveryRun({
      folder,
      workers,
      checkpointEvery: pace.checkpointEvery,
      isStored,
      signal,
    });
    await run.waitForSteps(pace.steadySteps);
    const steady = await run.readSteady();
    const kills = await harmWorkers(run, killCount, 'SIGKILL', pace);
    const stops = await harmWorkers(run, stopCount, 'SIGSTOP', pace);
    // Last: a worker that starts afterwards would not find the successor.
    const killedLeaders = await failOver(run, failovers, 'SIGKILL', pace);
    const stoppedLeaders = await failOver(run, failovers, 'SIGSTOP', pace);
    return {
      rows: [...kills, ...stops, ...killedLeaders, ...stoppedLeaders],
      figures: {
        workers,
        stepMs: round(steady.stepMs),
        killToNextStepP50Ms: of(kills, 'recoveryMs', 0.5),
        killToNextStepP99Ms: of(kills, 'recoveryMs', 0.99),
        killNoticedP50Ms: of(kills, 'detectionMs', 0.5),
        killNoticedWorstMs: of(kills, 'detectionMs', 1),
        stopToNextStepP50Ms: of(stops, 'recoveryMs', 0.5),
        stopNoticedP50Ms: of(stops, 'detectionMs', 0.5),
        stopNoticedWorstMs: of(stops, 'detectionMs', 1),
        failoverKillToNextStepP50Ms: of(killedLeaders, 'recoveryMs', 0.5),
        failoverKillToNextStepWorstMs: of(killedLeaders, 'recoveryMs', 1),
        failoverStopToNextStepP50Ms: of(stoppedLeaders, 'recoveryMs', 0.5),
        failoverStopToNextStepWorstMs: of(stoppedLeaders, 'recoveryMs', 1),
      },
      ratios: {
        otherShareOfAStep: round(steady.otherShare),
        checkpointStallPerStep: round(steady.checkpointStall),
      },
      notes: [
        `a checkpoint every ${pace.checkpointEvery} steps; a step takes as long as the ledger says`,
        ...(isStored ? ['the run is in NATS; every coordinator has a folder of its own'] : []),
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

function of(rows: readonly RecoveryRow[], field: 'detectionMs' | 'recoveryMs', share: number): number | null {
  const values = rows.map((row) => row[field]).filter((value) => value !== undefined);
  return values.length === 0 ? null : round(quantile(values, share));
}

async function harmWorkers(run: RecoveryRun, count: number, signal: Signal, pace: Pace): Promise<RecoveryRow[]> {
  const rows: RecoveryRow[] = [];
  for (let index = 0; index < count; index++) {
    await run.waitForFullWorld(pace.calmSteps);
    const { detectionMs, recoveryMs } = await run.harm(signal);
    rows.push({ part: 'worker', signal, detectionMs: round(detectionMs), recoveryMs: round(recoveryMs) });
  }
  return rows;
}

async function failOver(run: RecoveryRun, count: number, signal: Signal, pace: Pace): Promise<RecoveryRow[]> {
  const rows: RecoveryRow[] = [];
  for (let index = 0; index < count; index++) {
    const { recoveryMs } = await run.failOver(signal, pace.calmSteps);
    rows.push({ part: 'failover', signal, recoveryMs: round(recoveryMs) });
  }
  return rows;
}
