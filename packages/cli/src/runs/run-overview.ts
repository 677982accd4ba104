/**
 * What is known of a run without starting anything: from its folder's configuration and result, and from its coordinator if
 * one answers.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { bestOf } from '@facet/lab/data';
import { readRegularText, readRunHistory, type HistoryView, type Mapping } from '@facet/shared';
import type { RunResult, StoredResult } from '@facet/coordinator';
import { runPaths, type RunPaths } from './run-folders.js';
import { readResult } from './run-result.js';
import { statusOf } from './running-runs.js';

/** `stopped`: nothing runs, and the run did not end: it can be resumed. */
export type RunState = 'running' | 'finished' | 'failed' | 'stopped';

export interface RunOverview {
  readonly name: string;
  readonly folder: string;
  readonly state: RunState;
  /** The name of a task, or the file of one's own. */
  readonly task: string | null;
  readonly dataset: string | null;
  readonly preset: string | null;
  readonly seed: number | null;
  readonly epochs: number | null;
  /** Committed steps; null while nobody has counted them. */
  readonly steps: number | null;
  /** Of the last evaluation: on the test split, or on held-out images when the run evaluates those. */
  readonly accuracy: number | null;
  /** Of the best evaluation. */
  readonly bestAccuracy: number | null;
  /** Training samples per second of training time; of the last steps while it runs. */
  readonly samplesPerSecond: number | null;
  /** Of all files. */
  readonly bytes: number;
  readonly weightsSha256: string | null;
  /** Time of the last change of the ledger, ISO 8601. */
  readonly changedAt: string;
}

const MOST_CONFIG_BYTES = 1024 * 1024;

/** The overview of a run that exists. */
export async function runOverview(runs: string, name: string): Promise<RunOverview> {
  const paths = runPaths(runs, name);
  const [config, result, running, ledger, bytes] = await Promise.all([
    readStoredConfig(paths),
    readResult(paths.result),
    statusOf(paths),
    stat(paths.ledger),
    bytesIn(paths.folder),
  ]);
  // A long ledger takes seconds to read.
  const history = result === undefined ? await readHistory(paths) : undefined;
  return {
    name,
    folder: paths.folder,
    state: running === undefined ? stateOf(result?.outcome) : 'running',
    task: taskOf(config),
    dataset: textAt(config, 'dataset'),
    preset: textAt(config, 'preset'),
    seed: numberAt(config, 'seed'),
    epochs: numberAt(config, 'epochs'),
    steps: running?.status.step ?? result?.steps ?? (history?.run && history.lastStep) ?? null,
    accuracy: accuracyOf(result) ?? history?.evaluations.at(-1)?.accuracy ?? null,
    bestAccuracy: bestAccuracyOf(result) ?? (history && bestOf(history)?.accuracy) ?? null,
    samplesPerSecond:
      running?.status.samplesPerSecond ?? result?.imagesPerSecond ?? (history && speedOf(history)) ?? null,
    bytes,
    weightsSha256: result?.weightsSha256 ?? null,
    changedAt: ledger.mtime.toISOString(),
  };
}

/** A ledger that cannot be read is no reason to hide the run. */
function readHistory({ ledger }: RunPaths): Promise<HistoryView | undefined> {
  return readRunHistory(ledger).catch(() => undefined);
}

function accuracyOf(result: RunResult | undefined): number | undefined {
  return result?.testAccuracy ?? result?.heldOutAccuracy;
}

/** Over all epochs, as far as the result says them. */
function bestAccuracyOf(result: RunResult | undefined): number | undefined {
  const { history: epochs = [] } = (result ?? {}) as Partial<StoredResult>;
  const accuracies = epochs.flatMap(({ testAccuracy, heldOutAccuracy }) => testAccuracy ?? heldOutAccuracy ?? []);
  return accuracies.length === 0 ? accuracyOf(result) : Math.max(...accuracies);
}

function speedOf({ points, trainSeconds }: HistoryView): number | undefined {
  return trainSeconds > 0 ? points.reduce((sum, { samples }) => sum + samples, 0) / trainSeconds : undefined;
}

function taskOf({ task }: Mapping): string | null {
  if (typeof task !== 'object' || task === null) return null;
  const { name, module } = task as Mapping;
  return typeof name === 'string' ? name : typeof module === 'string' ? path.basename(module) : null;
}

/** What comes and goes while it is counted counts or not. */
async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) =>
        stat(path.join(parentPath, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function stateOf(outcome: string | undefined): RunState {
  if (outcome === 'finished' || outcome === 'failed') return outcome;
  return 'stopped';
}

/** A configuration that cannot be read is no reason to hide the run. */
export async function readStoredConfig({ config }: Pick<RunPaths, 'config'>): Promise<Mapping> {
  try {
    const value = JSON.parse(await readRegularText(config, MOST_CONFIG_BYTES)) as unknown;
    return typeof value === 'object' && value !== null ? (value as Mapping) : {};
  } catch {
    return {};
  }
}

function textAt(config: Mapping, key: string): string | null {
  return typeof config[key] === 'string' ? config[key] : null;
}

function numberAt(config: Mapping, key: string): number | null {
  return typeof config[key] === 'number' ? config[key] : null;
}
