/**
 * `facet up` for programs: the same checks, the same processes, the same folder; what happens is events instead of a display.
 */
import { TrainingError, type Mapping } from '@facet/shared';
import type { RunResult } from '@facet/coordinator';
import { loadConfig } from '../config/load-config.js';
import { launchOrRemove, failureOf } from '../launch/launch-or-remove.js';
import { checkLaunch, MAX_LOCAL_WORKERS } from '../launch/preflight.js';
import type { LaunchEnd } from '../launch/training-launch.js';
import { claimRunFolder, requireFreeName, runPaths, runsFolder } from '../runs/run-folders.js';
import { isSuccess } from '../runs/run-result.js';
import { followLedger, type TrainingEvent } from './ledger-events.js';

/** What is trained, and how; the rest is as `facet up` has it. */
export interface TrainOptions {
  /** Path of the module whose default export is the task. */
  readonly task: string;
  /** Worker processes on this machine. Default: as the configuration says, which is 2 if nothing else says it. */
  readonly workers?: number;
  /** Passes over the training samples. Default: what the task says. */
  readonly epochs?: number;
  /** Name of the run. Default: from the task and the time. */
  readonly run?: string;
  /** Further keys, as in a configuration file, such as `{ seed: 7, batch: { global: 128 } }`. The options above are stronger. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Workers that may be started in the place of others that died. Default: none. */
  readonly maxRestarts?: number;
  /** Encrypts every connection of the run, with short-lived certificates of its own; as `facet up --secure`. Default: false. */
  readonly secure?: boolean;
  /** Aborting stops the run with a checkpoint; `facet resume` goes on with it. */
  readonly signal?: AbortSignal;
}

/** A training that runs. */
export interface Training {
  /** Name of the run. */
  readonly run: string;
  /** Its folder: ledger, checkpoints, logs. */
  readonly folder: string;
  /** All events from the first step on, whenever it is called, until the run has ended. */
  events(): AsyncGenerator<TrainingEvent, void>;
  /**
   * The result of the run.
   *
   * @throws TrainingError CANCELLED when it was stopped; LEDGER_INVALID when the ledger does not prove that every sample
   *   counted once; else why it failed.
   */
  result(): Promise<RunResult>;
}

/**
 * Checks everything that can be checked, and starts broker, coordinator and workers on this machine. They end with this
 * process.
 *
 * @throws TrainingError for what is wrong with the task, the configuration or the machine, before anything is started.
 */
export async function train(options: TrainOptions): Promise<Training> {
  const { env } = process;
  const runs = runsFolder(env);
  const loaded = await loadConfig({ env, runs, flags: flagsOf(options), maxWorkers: MAX_LOCAL_WORKERS });
  const { config } = loaded;
  const paths = runPaths(runs, config.run);
  requireFreeName(paths);
  const { brokerBinary } = await checkLaunch({ ...loaded, env });
  await claimRunFolder(paths);

  const { signal: stop = new AbortController().signal, maxRestarts = 0, secure: isSecure = false } = options;
  const signals = { stop, kill: new AbortController().signal, isTermination: false, [Symbol.dispose]: () => undefined };
  const plan = { mode: 'new', config, paths, maxRestarts, isSecure, brokerBinary, env } as const;
  let isOver = false;
  const ended = launchOrRemove(plan, signals, SILENT).finally(() => {
    isOver = true;
  });
  // Whoever asks for the result is told; who does not is no reason to end the program.
  ended.catch(() => undefined);
  return {
    run: config.run,
    folder: paths.folder,
    events: () => followLedger(paths.ledger, () => isOver),
    result: async () => resultOf(await ended, config.run),
  };
}

const SILENT = { onCoordinator: () => undefined, onWorkerDied: () => undefined, onStopping: () => undefined };

function flagsOf({ task, workers, epochs, run, config = {} }: TrainOptions): Mapping {
  return {
    ...config,
    task: { ...(config['task'] as object | undefined), module: task },
    ...(workers !== undefined && { workers: { ...(config['workers'] as object | undefined), count: workers } }),
    ...(epochs !== undefined && { epochs }),
    ...(run !== undefined && { run }),
  };
}

function resultOf(end: LaunchEnd, run: string): RunResult {
  const { result, isInterrupted } = end;
  const failure = failureOf(end);
  if (failure !== undefined) throw failure;
  if (isInterrupted || result === undefined) {
    throw new TrainingError('CANCELLED', `run ${run} was stopped; go on with \`facet resume ${run}\``);
  }
  if (isSuccess(result)) return result;
  const problems = result.ledger?.problems.join('; ') ?? result.message ?? result.outcome;
  throw new TrainingError('LEDGER_INVALID', `run ${run} ended, but its ledger does not prove the result: ${problems}`);
}
