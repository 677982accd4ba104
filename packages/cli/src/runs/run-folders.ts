/**
 * Where runs live and what their folders are called. A folder is a run's as soon as it holds a ledger; a name is taken as
 * soon as anything has it. Nothing here writes into a run that exists.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  closestName,
  diskRefusal,
  isRunName,
  makeFolder,
  PRIVATE_FOLDER,
  RUN_NAME_EXPECTATION,
  TrainingError,
  visibleLine,
} from '@facet/shared';
import type { Environment } from '../context.js';

const LEDGER_FILE = 'ledger.jsonl';

/** The folder of all runs: FACET_RUNS, else ./runs. */
export function runsFolder(env: Environment): string {
  return path.resolve(env['FACET_RUNS'] || 'runs');
}

/** Where a run's files are. */
export interface RunPaths {
  readonly folder: string;
  readonly ledger: string;
  readonly config: string;
  readonly result: string;
  readonly checkpoints: string;
  readonly logs: string;
  /** Where the coordinator says its address while it runs. */
  readonly address: string;
  /** Certificates of a launch with --secure, while it runs. */
  readonly tls: string;
}

/**
 * The paths of a run, whether or not it exists.
 *
 * @throws TrainingError RUN_NAME_INVALID for a name that is none, such as one that leads out of the runs folder.
 */
export function runPaths(runs: string, name: string): RunPaths {
  if (!isRunName(name)) {
    throw new TrainingError(
      'RUN_NAME_INVALID',
      `'${name}' cannot be the name of a run: expected ${RUN_NAME_EXPECTATION}`,
    );
  }
  return pathsIn(path.join(runs, name));
}

/** The paths in a folder that is known to be a run's. */
export function pathsIn(folder: string): RunPaths {
  return {
    folder,
    ledger: path.join(folder, LEDGER_FILE),
    config: path.join(folder, 'config.json'),
    result: path.join(folder, 'result.json'),
    checkpoints: path.join(folder, 'checkpoints'),
    logs: path.join(folder, 'logs'),
    address: path.join(folder, 'coordinator.json'),
    tls: path.join(folder, 'tls'),
  };
}

/** True when a folder holds a run that has begun. */
export function holdsRun(folder: string): boolean {
  return existsSync(path.join(folder, LEDGER_FILE));
}

/** The names of all runs that have begun, newest first. */
export async function listRuns(runs: string): Promise<string[]> {
  const names = await readdir(runs).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  const found = names.filter((name) => isRunName(name) && holdsRun(path.join(runs, name)));
  const dated = await Promise.all(
    found.map(async (name) => ({ name, at: (await stat(path.join(runs, name, LEDGER_FILE))).mtimeMs })),
  );
  return dated.sort((a, b) => b.at - a.at).map(({ name }) => name);
}

/** @throws TrainingError RUN_EXISTS when anything has the name already. */
export function requireFreeName(paths: RunPaths): void {
  if (existsSync(paths.folder)) throw nameTaken(paths);
}

/**
 * Takes a name by making its folder; of two that try at once, one succeeds.
 *
 * @throws TrainingError RUN_EXISTS when anything has the name already; DISK_REFUSED when the folder cannot be made.
 */
export async function claimRunFolder(paths: RunPaths): Promise<void> {
  try {
    await makeFolder(path.dirname(paths.folder), { mode: PRIVATE_FOLDER });
    await mkdir(paths.folder, { mode: PRIVATE_FOLDER });
  } catch (caught) {
    const { code, path: refused } = caught as NodeJS.ErrnoException;
    if (code === 'EEXIST' && refused === paths.folder) throw nameTaken(paths);
    throw (
      diskRefusal(caught, 'name another folder for runs with FACET_RUNS, or give this user the right to it') ?? caught
    );
  }
}

/** Whether somebody typed where a run is, rather than what it is called. */
export function isPath(text: string): boolean {
  return text.includes(path.sep) || text === '.' || text === '..';
}

/**
 * The paths of a run that exists. A run is called what its folder is called: whoever renames or moves the folder renames or
 * moves the run.
 *
 * @param run its name, or the path of its folder
 * @throws TrainingError RUN_NOT_FOUND listing the runs that there are.
 */
export async function requireRun(runs: string, run: string): Promise<RunPaths> {
  const paths = isPath(run) ? pathsIn(path.resolve(run)) : runPaths(runs, run);
  if (holdsRun(paths.folder)) return paths;
  const fault = isPath(run)
    ? `${paths.folder} holds no run: ${await describeContent(paths.folder)}, expected ${LEDGER_FILE}`
    : `there is no run '${run}' in ${runs}`;
  throw runNotFound(fault, run, await listRuns(runs));
}

/** What is in a folder, for whoever named the wrong one: `it holds a.png, b.png and 7 more`. */
export async function describeContent(folder: string): Promise<string> {
  const names = await readdir(folder).catch(({ code }: NodeJS.ErrnoException) => code ?? 'unknown');
  if (names === 'ENOENT') return 'it is not there';
  if (names === 'ENOTDIR') return 'it is a file';
  if (typeof names === 'string') return `it cannot be read (${names})`;
  if (names.length === 0) return 'it is empty';
  const shown = names.toSorted().slice(0, 5).map(visibleLine).join(', ');
  return `it holds ${shown}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
}

/** RUN_NOT_FOUND with the runs that there are. */
export function runNotFound(fault: string, name: string, existing: readonly string[]): TrainingError {
  const closest = closestName(name, existing);
  const shown = existing.slice(0, 10).join(', ');
  const more = existing.length > 10 ? ` and ${existing.length - 10} more` : '';
  const there = existing.length === 0 ? 'there are no runs yet' : `expected one of: ${shown}${more}`;
  const advice = closest === undefined ? '' : `; did you mean ${closest}?`;
  return new TrainingError('RUN_NOT_FOUND', `${fault}; ${there}${advice}`);
}

/** A name that no run has: dataset, preset and time, with a number where that is not enough. */
export function defaultRunName(runs: string, parts: { dataset: string; preset: string }, now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  // A preset that is named after its dataset says both; a task with samples of its own has one name for both.
  const { dataset, preset } = parts;
  const start = preset === dataset || preset.startsWith(`${dataset}-`) ? preset : `${dataset}-${preset}`;
  const name = `${start}-${day}-${time}`;
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    if (!existsSync(path.join(runs, candidate))) return candidate;
  }
}

function nameTaken({ folder }: RunPaths): TrainingError {
  const name = path.basename(folder);
  const advice = holdsRun(folder) ? `continue it with \`facet resume ${name}\`, or choose` : 'choose';
  return new TrainingError('RUN_EXISTS', `${folder} exists already; ${advice} another name with --run`);
}
