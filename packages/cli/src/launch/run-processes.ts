/**
 * The processes of a run as they are started on one machine: the same command line as this one, so that all of them run the
 * same code, and tied to their parent, so that none outlives it. Who watches them is the caller's affair.
 */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { TrainingError, withoutConfigVariables, withoutOperatorToken, writeWhole, type RunConfig } from '@facet/shared';
import type { Environment } from '../context.js';
import type { RunCertificates } from '../tls/run-certificates.js';
import { readAddressFile, type CoordinatorAddress } from '../runs/address-file.js';
import type { RunPaths } from '../runs/run-folders.js';
import type { Child, ChildSpec } from './child-process.js';
import { childFailure } from './log-tail.js';
import { ensureToken, tokenEnvironment } from './run-token.js';

/** What the processes of a run have in common. */
export interface RunPlace {
  readonly config: RunConfig;
  readonly paths: RunPaths;
  readonly env: Environment;
  /** Where the run lives beside its folder. */
  readonly store?: string | undefined;
  /** Absent: in the open, unless the configuration names a certificate. */
  readonly certificates?: Pick<RunCertificates, 'folderOf'> | undefined;
  /** Its processes may listen beyond this machine without TLS. */
  readonly isInsecure?: boolean;
  /** Its coordinators write TensorBoard event files. */
  readonly hasTensorboard?: boolean;
}

const ADDRESS_DEADLINE_MS = 60_000;
const POLL_MS = 25;

export type CoordinatorRole = 'coordinator' | 'standby';

export interface CoordinatorStart {
  readonly role: CoordinatorRole;
  readonly mode: 'new' | 'resume';
  readonly nats: RunConfig['nats'];
  /** The broker is the launch's own: its address is no configuration. */
  readonly isOwnBroker: boolean;
  /** A folder of the launch's own, for its configuration and its result. */
  readonly folder: string;
  /** Of a standby. Default: any free ones. */
  readonly ports?: { readonly port: number; readonly httpPort: number };
}

/** A coordinator; writes its configuration first, and the run's token if there is none. */
export async function coordinatorSpec(place: RunPlace, start: CoordinatorStart): Promise<ChildSpec> {
  const { config, paths, env, certificates, store } = place;
  const { role, mode, nats, isOwnBroker, folder } = start;
  await ensureToken(paths, env);
  const file = path.join(folder, `${role}.json`);
  // A standby leads while the one before may still hold the ports that were asked for.
  const ports = role === 'standby' ? (start.ports ?? { port: 0, httpPort: 0 }) : {};
  const coordinator = { ...config.coordinator, ...ports };
  // It may hold the broker's password.
  const tls = certificates && { tls: { http: 'tls', ...config.tls, folder: certificates.folderOf('coordinator') } };
  await writeWhole(file, JSON.stringify({ ...config, coordinator, nats, ...tls }), 'owner');
  const files = ['--config', file, '--address-file', paths.address, '--result-file', resultFile(folder, role)];
  const broker = isOwnBroker ? ['--own-broker'] : [];
  const stored = store === undefined ? [] : ['--store', store];
  const open = place.isInsecure === true ? ['--insecure'] : [];
  const charts = place.hasTensorboard === true ? ['--tensorboard'] : [];
  const begin = role === 'standby' ? ['--standby'] : mode === 'resume' ? ['--resume'] : [];
  return {
    name: role,
    ...facetCommand([
      ...['coordinator', ...files, '--json', '--exit-with-parent'],
      ...[...broker, ...stored, ...open, ...charts, ...begin],
    ]),
    logFile: path.join(paths.logs, `${role}.log`),
    env: { ...tokenEnvironment(paths, withoutConfigVariables(env)), FACET_RUNS: path.dirname(paths.folder) },
  };
}

export interface WorkerStart {
  /** Counted over the life of the launch. */
  readonly index: number;
  /** host:port of the coordinator. */
  readonly coordinator: string;
  /** How the worker is reached and reaches others when something lies in between, as flags of `facet worker`. */
  readonly route?: readonly string[];
}

/** A worker on this machine. */
export function workerSpec(
  { config, paths, env, certificates, isInsecure = false }: RunPlace,
  start: WorkerStart,
): ChildSpec {
  const { index, coordinator, route = [] } = start;
  const folder = certificates?.folderOf('worker') ?? config.tls?.folder;
  const plain = config.tls?.http === 'plain' ? ['--plain-metrics'] : [];
  const secure = folder === undefined ? [] : ['--tls', folder, ...plain];
  const places = ['--coordinator', coordinator, '--listen', config.coordinator.host, ...route, ...secure];
  if (isInsecure) places.push('--insecure');
  return {
    name: `worker-${index}`,
    ...facetCommand(['worker', ...places, '--json', '--exit-with-parent']),
    logFile: path.join(paths.logs, `worker-${index}.log`),
    env: withoutOperatorToken(tokenEnvironment(paths, withoutConfigVariables(env))),
  };
}

/** This very command, so that all processes run the same code. */
export function facetCommand(args: readonly string[]): { readonly command: string; readonly args: readonly string[] } {
  const launcher = fileURLToPath(new URL('../../bin/facet.mjs', import.meta.url));
  // A program that Node was given as text must not start again in its children.
  const isText = process.execArgv.some((flag) => /^(?:-[ep]|-pe|--eval|--print)\b/.test(flag));
  return { command: process.execPath, args: [...(isText ? [] : process.execArgv), launcher, ...args] };
}

/** Not the run's own result.json, which an earlier coordinator may have written. */
export function resultFile(folder: string, role: CoordinatorRole): string {
  return path.join(folder, `${role}-result.json`);
}

/** The address that the coordinator states; undefined when it ended or was stopped before it stated one. */
export async function waitForAddress(
  coordinator: Child,
  paths: RunPaths,
  stop: AbortSignal,
): Promise<CoordinatorAddress | undefined> {
  const deadline = performance.now() + ADDRESS_DEADLINE_MS;
  while (coordinator.end() === undefined && !stop.aborted) {
    const found = await readAddressFile(paths.address);
    // The file of an earlier coordinator that was killed says another process.
    if (found !== undefined && found.pid === coordinator.pid) return found;
    if (performance.now() > deadline) {
      throw new TrainingError('INTERNAL', `the coordinator states no address after ${ADDRESS_DEADLINE_MS} ms`, {
        cause: await childFailure(coordinator),
      });
    }
    await delay(POLL_MS);
  }
  return undefined;
}
