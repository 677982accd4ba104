/**
 * Where a run lives beside its folder: what `--store` and FACET_STORE say, or what its folder remembers. A run of a store is
 * brought into a folder before a command reads it, so that every command finds what it finds in a run of this machine.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Command } from 'commander';
import type { TlsIdentity } from '@facet/security';
import {
  makePrivateFolder,
  readRegularText,
  TrainingError,
  valueAt,
  writeWhole,
  type BrokerPatience,
} from '@facet/shared';
import type { PlacedRun, RunStore, Store } from '@facet/storage';
import { cacheFolder } from '../broker/find-broker.js';
import type { CliContext, Environment } from '../context.js';
import { openIdentity, WATCHERS } from '../tls/open-identity.js';
import { holdsRun, pathsIn, requireRun, runPaths, runsFolder, type RunPaths } from './run-folders.js';

const STORE_VARIABLE = 'FACET_STORE';
/** Remembers the store in the folder of a run. */
const MEMORY_FILE = 'store.json';
const MOST_MEMORY_BYTES = 4_096;
const PLACE = /^[a-z][a-z0-9+.-]*:\/\//i;

export function addStoreOption(command: Command): Command {
  return command.option(
    '--store <place>',
    'where the run lives: nats://HOST:PORT, s3://BUCKET/PREFIX, or a folder of runs; default: FACET_STORE, else FACET_RUNS',
  );
}

/** Whether a text names a run in a store, rather than a run or a folder of this machine. */
export function isRunPlace(text: string): boolean {
  return PLACE.test(text);
}

/** What `--store` means: another folder of runs, or a store beside it. */
export interface StoreChoice {
  readonly env: Environment;
  readonly store: string | undefined;
}

/** A folder as a store is where runs lie, as FACET_RUNS says it. */
export function chooseStore(named: string | undefined, env: Environment): StoreChoice {
  const store = named ?? (env[STORE_VARIABLE] || undefined);
  if (store === undefined || PLACE.test(store)) return { env, store };
  return { env: { ...env, FACET_RUNS: path.resolve(store) }, store: undefined };
}

/** The store of a run that has begun: the one that was named, else the one that its folder remembers. */
export async function storeOfRun(named: string | undefined, paths: RunPaths): Promise<string | undefined> {
  if (named !== undefined) return named;
  try {
    const text = await readRegularText(path.join(paths.folder, MEMORY_FILE), MOST_MEMORY_BYTES);
    const { store } = JSON.parse(text) as { readonly store?: unknown };
    return typeof store === 'string' ? store : undefined;
  } catch {
    return undefined;
  }
}

/** Notes the store of a run in its folder, so that `facet resume RUN` finds it. */
export async function rememberStore(paths: RunPaths, store: string | undefined): Promise<void> {
  if (store === undefined) return;
  await writeWhole(path.join(paths.folder, MEMORY_FILE), `${JSON.stringify({ store })}\n`, 'owner');
}

export interface StoreAccess {
  readonly env: Environment;
  readonly brokerUrl?: string | undefined;
  readonly tls?: TlsIdentity | undefined;
  /** How many servers of a cluster keep what is written. */
  readonly replicas?: number | undefined;
  /** The folder of the certificate, where it is not open yet. */
  readonly folder?: string | undefined;
  /** How to wait for a broker that is not up yet. Default: not at all. */
  readonly patience?: BrokerPatience | undefined;
}

/** What a command line and a file say of broker and certificate, before the whole configuration is known. */
export function accessOf(...layers: readonly unknown[]): Pick<StoreAccess, 'brokerUrl'> & { readonly folder?: string } {
  const said = (keys: readonly string[]): string | undefined =>
    layers.map((layer) => valueAt(layer, keys)).find((value): value is string => typeof value === 'string');
  const [brokerUrl, folder] = [said(['nats', 'url']), said(['tls', 'folder'])];
  return { ...(brokerUrl !== undefined && { brokerUrl }), ...(folder !== undefined && { folder }) };
}

/** Opens one run of a store. */
export async function openPlacedRun(place: PlacedRun, access: StoreAccess): Promise<RunStore> {
  const { openRunStore } = await import('@facet/storage');
  return openRunStore(place, withBroker(access));
}

/** Opens a store. */
export async function openNamedStore(place: string, access: StoreAccess): Promise<Store> {
  const { openStore } = await import('@facet/storage');
  return openStore(place, withBroker(access));
}

function withBroker({ env, brokerUrl = env['FACET_NATS_URL'], folder, tls, ...rest }: StoreAccess): StoreAccess {
  return { ...rest, env, brokerUrl, tls: tls ?? openIdentity({ folder, env, roles: WATCHERS }) };
}

export interface PullOptions extends StoreAccess {
  readonly checkpoints: 'newest' | 'none';
}

/**
 * Brings the folder of a run up to date from its store, before a command reads its configuration. A run that only the folder
 * has stays as it is, and so does a folder in which a coordinator is at work.
 *
 * @returns warnings about damaged checkpoints
 */
export async function pullStored(
  store: string | undefined,
  paths: RunPaths,
  { checkpoints, ...access }: PullOptions,
): Promise<readonly string[]> {
  if (store === undefined) return [];
  const { isLockedHere, pullRun } = await import('@facet/storage');
  if (await isLockedHere(paths.folder)) return [];
  await using run = await openPlacedRun({ store, run: path.basename(paths.folder) }, access);
  try {
    return await pullRun(run, paths.folder, { checkpoints, secrets: 'take' });
  } catch (caught) {
    if (TrainingError.from(caught).code === 'RUN_NOT_FOUND' && holdsRun(paths.folder)) return [];
    throw caught;
  }
}

/** A run that a command reads. */
export interface FoundRun {
  readonly paths: RunPaths;
  readonly warnings: readonly string[];
}

/**
 * The run that somebody names: by its name, by the path of its folder, or by its place in a store. One of a store is copied
 * into the cache first, and what was copied before is used again.
 *
 * @throws TrainingError RUN_NOT_FOUND; what the store throws.
 */
export async function findRun(
  name: string,
  { env }: Pick<CliContext, 'env'>,
  { checkpoints }: Pick<PullOptions, 'checkpoints'>,
): Promise<FoundRun> {
  if (!isRunPlace(name)) return { paths: await requireRun(runsFolder(env), name), warnings: [] };
  const { parseRunPlace, pullRun } = await import('@facet/storage');
  const place = parseRunPlace(name);
  const id = createHash('sha256').update(place.store).digest('hex').slice(0, 16);
  const paths = runPaths(path.join(cacheFolder(env, process.platform), 'stores', id), place.run);
  await using run = await openPlacedRun(place, { env });
  await makePrivateFolder(path.dirname(paths.folder));
  return {
    paths: pathsIn(paths.folder),
    warnings: await pullRun(run, paths.folder, { checkpoints, secrets: 'leave' }),
  };
}
