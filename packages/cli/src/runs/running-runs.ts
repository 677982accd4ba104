/**
 * Which runs run now, on this machine: those whose coordinator answers at the address that it left in the run's folder.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Status } from '@facet/proto';
import { TlsIdentity } from '@facet/security';
import { isRunName, TrainingError } from '@facet/shared';
import { askStatus } from './status-client.js';
import { WATCHERS } from '../tls/open-identity.js';
import { readAddressFile, type CoordinatorAddress } from './address-file.js';
import { pathsIn, type RunPaths } from './run-folders.js';

/** A run whose coordinator answered. */
export interface RunningRun {
  readonly address: string;
  readonly status: Status;
}

/** The status of a run that runs now. */
export async function statusOf(paths: Pick<RunPaths, 'address'>): Promise<RunningRun | undefined> {
  const found = await readAddressFile(paths.address);
  if (found === undefined) return undefined;
  const answer = await askStatus({ address: found.address, tls: identityIn(found) });
  // Another run's coordinator may have got the port since.
  return answer.ok && answer.status.run === found.run ? { address: found.address, status: answer.status } : undefined;
}

/** The certificate with which this user may ask a coordinator of this machine. */
export function identityIn({ tls }: Pick<CoordinatorAddress, 'tls'>): TlsIdentity | undefined {
  try {
    return tls === undefined ? undefined : new TlsIdentity(tls, { roles: WATCHERS });
  } catch {
    // The folder of a launch goes away with it.
    return undefined;
  }
}

/** All runs in the runs folder that run now. */
export async function runningRuns(runs: string): Promise<RunningRun[]> {
  const names = await readdir(runs).catch(() => []);
  const asked = names.filter(isRunName).map((name) => statusOf(pathsIn(path.join(runs, name))));
  return (await Promise.all(asked)).filter((found) => found !== undefined);
}

/** @throws TrainingError RUN_LOCKED when the run's coordinator answers. */
export async function requireNotRunning(run: string, paths: RunPaths): Promise<void> {
  const running = await statusOf(paths);
  if (running === undefined) return;
  const { address, status } = running;
  throw new TrainingError(
    'RUN_LOCKED',
    `run ${run} is ${status.phase} now (coordinator at ${address}); wait for its end, or stop it first`,
  );
}
