/**
 * Trains one trial of a study with the processes of `facet up`: broker, coordinator, workers. A trial that was interrupted
 * is resumed. Of its checkpoints only the last stays.
 */
import { rm } from 'node:fs/promises';
import { pruneCheckpoints } from '@facet/storage';
import type { StoredResult } from '@facet/coordinator';
import { readRegularText, type RunConfig, TrainingError } from '@facet/shared';
import type { Environment } from '../context.js';
import { openStatusClient, type StatusClient } from '../runs/status-client.js';
import { DEFAULT_MAX_RESTARTS } from './max-restarts.js';
import { checkLaunch } from './preflight.js';
import type { StopSignals } from './stop-signals.js';
import { launchTraining, type LaunchEnd, type LaunchPlan } from './training-launch.js';
import { identityIn, requireNotRunning } from '../runs/running-runs.js';
import { claimRunFolder, holdsRun, runPaths } from '../runs/run-folders.js';
import { isSuccess } from '../runs/run-result.js';
import type { LoadTrial, TrialResult, Trial } from '@facet/lab/data';

const MOST_RESULT_BYTES = 16 * 1024 * 1024;

export interface TrialPlace {
  /** The folder of the study's runs. */
  readonly runs: string;
  readonly env: Environment;
  readonly signals: StopSignals;
  /** Connections between the processes of a trial are encrypted. */
  readonly isSecure: boolean;
  readonly load: LoadTrial;
  /** Told about once a second how far it is. */
  readonly onProgress: (text: string) => void;
  readonly onNote: (text: string) => void;
}

const POLL_MS = 1_000;

/**
 * Trains a trial to its end.
 *
 * @returns undefined when a signal stopped it
 * @throws TrainingError with the cause when its run fails.
 */
export async function trainTrial(trial: Trial, place: TrialPlace): Promise<TrialResult | undefined> {
  const { runs, env, signals, isSecure } = place;
  if (signals.stop.aborted) return undefined;
  const loaded = await place.load(trial);
  const paths = runPaths(runs, trial.name);
  const isResumed = holdsRun(paths.folder);
  if (isResumed) await requireNotRunning(trial.name, paths);
  const { brokerBinary } = await checkLaunch({ ...loaded, env });
  if (!isResumed) {
    // A folder without a run would only be in the way of the next trial.
    await rm(paths.folder, { recursive: true, force: true });
    await claimRunFolder(paths);
  }
  const { config } = loaded;
  const end = await launchShown(
    {
      mode: isResumed ? 'resume' : 'new',
      config,
      paths,
      maxRestarts: DEFAULT_MAX_RESTARTS,
      isSecure,
      brokerBinary,
      env,
    },
    place,
  );
  const { result } = end;
  if (end.isInterrupted || (result?.outcome === 'stopped' && signals.stop.aborted)) return undefined;
  if (result === undefined || !isSuccess(result)) {
    const why = result?.message ?? 'its ledger is not clean';
    throw new TrainingError(
      result?.code ?? 'INTERNAL',
      `trial ${trial.name} ${result?.outcome ?? 'failed'}: ${why}; see ${paths.logs}`,
    );
  }
  await pruneCheckpoints({ folder: paths.checkpoints, keep: 1 });
  return resultOf(trial, config, JSON.parse(await readRegularText(paths.result, MOST_RESULT_BYTES)) as StoredResult);
}

/** Runs the processes of a trial and tells how far it is. */
async function launchShown(plan: LaunchPlan, { signals, onProgress, onNote }: TrialPlace): Promise<LaunchEnd> {
  let client: StatusClient | undefined;
  const ask = async (): Promise<void> => {
    const answer = await client?.ask();
    if (answer?.ok && answer.status.totalSteps > 0) {
      const { epoch, epochs, step, totalSteps, samplesPerSecond } = answer.status;
      const share = Math.floor((100 * step) / totalSteps);
      onProgress(`epoch ${epoch + 1} of ${epochs}, ${share} %, ${Math.round(samplesPerSecond)} images/s`);
    }
  };
  const timer = setInterval(() => void ask(), POLL_MS);
  try {
    return await launchTraining(plan, signals, {
      onCoordinator: (coordinator) => {
        client = openStatusClient({ address: coordinator.address, tls: identityIn(coordinator) });
      },
      onWorkerDied: ({ worker, how }) => {
        onNote(`${worker.name} of ${plan.config.run} died: ${how}; log: ${worker.logFile}`);
      },
      onStopping: () => {
        onNote('stopping with a checkpoint; press Ctrl-C again to stop at once');
      },
    });
  } finally {
    clearInterval(timer);
    client?.[Symbol.dispose]();
  }
}

function resultOf({ name, key, seed }: Trial, { evaluation }: RunConfig, stored: StoredResult): TrialResult {
  const { trainSeconds, weightsSha256, engines, history } = stored;
  const accuracyOf = (of: Pick<StoredResult, 'testAccuracy' | 'heldOutAccuracy'>): number | undefined =>
    evaluation === 'test' ? of.testAccuracy : of.heldOutAccuracy;
  const accuracy = accuracyOf(stored);
  if (accuracy === undefined || weightsSha256 === undefined) {
    throw new TrainingError('INTERNAL', `trial ${name} ended without an accuracy or a checkpoint, expected both`);
  }
  const curve = history.flatMap(
    ({ testAccuracy, heldOutAccuracy }) => accuracyOf({ testAccuracy, heldOutAccuracy }) ?? [],
  );
  return { trial: name, key, seed, split: evaluation, accuracy, curve, trainSeconds, weightsSha256, engines };
}
