/**
 * What is known of a run without starting anything: from its folder's configuration and result, and from its coordinator if
 * one answers.
 */
import { stat } from 'node:fs/promises';
import { readRegularText, type Mapping } from '@facet/shared';
import { runPaths, type RunPaths } from './run-folders.js';
import { readResult } from './run-result.js';
import { statusOf } from './running-runs.js';

/** `stopped`: nothing runs, and the run did not end: it can be resumed. */
export type RunState = 'running' | 'finished' | 'failed' | 'stopped';

export interface RunOverview {
  readonly name: string;
  readonly folder: string;
  readonly state: RunState;
  readonly dataset: string | null;
  readonly preset: string | null;
  readonly seed: number | null;
  readonly epochs: number | null;
  /** Committed steps; null while nobody has counted them. */
  readonly steps: number | null;
  /** On the test split, or on held-out images when the run evaluates those. */
  readonly accuracy: number | null;
  readonly weightsSha256: string | null;
  /** Time of the last change of the ledger, ISO 8601. */
  readonly changedAt: string;
}

const MOST_CONFIG_BYTES = 1024 * 1024;

/** The overview of a run that exists. */
export async function runOverview(runs: string, name: string): Promise<RunOverview> {
  const paths = runPaths(runs, name);
  const [config, result, running, ledger] = await Promise.all([
    readConfig(paths),
    readResult(paths.result),
    statusOf(paths),
    stat(paths.ledger),
  ]);
  return {
    name,
    folder: paths.folder,
    state: running === undefined ? stateOf(result?.outcome) : 'running',
    dataset: textAt(config, 'dataset'),
    preset: textAt(config, 'preset'),
    seed: numberAt(config, 'seed'),
    epochs: numberAt(config, 'epochs'),
    steps: running?.status.step ?? result?.steps ?? null,
    accuracy: result?.testAccuracy ?? result?.heldOutAccuracy ?? null,
    weightsSha256: result?.weightsSha256 ?? null,
    changedAt: ledger.mtime.toISOString(),
  };
}

function stateOf(outcome: string | undefined): RunState {
  if (outcome === 'finished' || outcome === 'failed') return outcome;
  return 'stopped';
}

/** A configuration that cannot be read is no reason to hide the run. */
async function readConfig({ config }: RunPaths): Promise<Mapping> {
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
