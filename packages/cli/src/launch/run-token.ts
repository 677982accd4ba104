/** The token of a run that is launched here: made before its processes are started, which find it in a file of the run's folder. */
import path from 'node:path';
import { existsSync } from 'node:fs';
import {
  RunToken,
  TOKEN_FILE,
  tokenOf,
  TrainingError,
  withTokenFile,
  writeWhole,
  type Environment,
} from '@facet/shared';
import type { RunPaths } from '../runs/run-folders.js';

/**
 * Makes sure that the run has a token: that of the environment, the one that it has, or a new one.
 *
 * @throws TrainingError TOKEN_INVALID naming the variable or the file that cannot be used.
 */
export async function ensureToken({ folder }: RunPaths, env: Environment): Promise<void> {
  const given = await tokenOf(env);
  const file = tokenFile({ folder });
  if (given === undefined && existsSync(file)) return;
  await writeWhole(file, `${(given ?? RunToken.random()).reveal()}\n`, 'owner');
}

/** The environment of a process of the run. */
export function tokenEnvironment(paths: RunPaths, env: Environment): Record<string, string | undefined> {
  return withTokenFile(env, tokenFile(paths));
}

export function tokenFile({ folder }: Pick<RunPaths, 'folder'>): string {
  return path.join(folder, TOKEN_FILE);
}

/**
 * The token that a worker was given.
 *
 * @throws TrainingError TOKEN_INVALID when there is none, or it cannot be used.
 */
export async function requireToken(env: Environment): Promise<RunToken> {
  const token = await tokenOf(env);
  if (token !== undefined) return token;
  throw new TrainingError(
    'TOKEN_INVALID',
    "this worker has no run token; set FACET_RUN_TOKEN_FILE to a copy of run.token from the run's folder on the coordinator's machine",
  );
}
