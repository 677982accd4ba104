/**
 * A run's folder that belongs to a run in a store: what a coordinator does before it leads, so that its folder has what the
 * store has, and nobody else can write there any more. The folder may be empty: the coordinator before may have run on
 * another machine.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  makePrivateFolder,
  OPERATOR_TOKEN_FILE,
  readRegularText,
  TOKEN_FILE,
  TrainingError,
  writeWhole,
} from '@facet/shared';
import { listCheckpoints, stepName } from '../checkpoint/checkpoint-names.js';
import { newestSoundCheckpoint } from '../checkpoint/read-checkpoint.js';
import { CHECKPOINTS_FOLDER, CONFIG_FILE, KEY_FILE, LEDGER_FILE, RESULT_FILE, START_FOLDER } from '../run-files.js';
import { contentOf, readText, type LedgerClaim, type RunStore } from '../store/run-store.js';
import { reconcileLedger } from './reconcile-ledger.js';
import { fetchNewestCheckpoint, storeCheckpoint } from './stored-checkpoint.js';

const MOST_TEXT_BYTES = 1024 * 1024;

/** A coordinator on another machine must know the same secrets, or it could not believe the workers, nor they it. */
const SECRETS = [KEY_FILE, TOKEN_FILE, OPERATOR_TOKEN_FILE];

export interface AttachedRun {
  /** The right to write the ledger of the store. */
  readonly claim: LedgerClaim;
  /** One sentence each about what was damaged or kept aside. */
  readonly warnings: readonly string[];
}

/**
 * Claims a run of a store and brings its folder up to date.
 *
 * @param folder exists, and this process holds its lock
 */
export async function attachRun(store: RunStore, folder: string): Promise<AttachedRun> {
  const claim = await store.ledger.claim();
  const ledgerPath = join(folder, LEDGER_FILE);
  const { aside } = await reconcileLedger({ path: ledgerPath, ledger: store.ledger, claim });
  await fetchDocuments(store, folder, [...SECRETS, CONFIG_FILE, RESULT_FILE]);
  const skipped = await fetchCheckpoints(store, folder);
  return {
    claim,
    warnings: [
      ...(aside === undefined
        ? []
        : [
            `the ledger in ${folder} had records that ${store.place} contradicts: another coordinator led; they are in ${aside}`,
          ]),
      ...skipped.map(({ path, reason }) => `checkpoint ${path} is damaged and was passed over: ${reason}`),
    ],
  };
}

export interface PullOptions {
  readonly checkpoints: 'newest' | 'none';
  /** Whoever coordinates the run needs its secrets, and nobody else. */
  readonly secrets: 'take' | 'leave';
}

/**
 * Brings a folder up to date from a store that this process does not write to: ledger, documents and, if wanted, the newest
 * checkpoint.
 *
 * @returns warnings about checkpoints that were passed over
 * @throws TrainingError RUN_NOT_FOUND when the store has no such run.
 */
export async function pullRun(
  store: RunStore,
  folder: string,
  { checkpoints, secrets }: PullOptions,
): Promise<readonly string[]> {
  if (!(await hasStoredLedger(store))) {
    throw new TrainingError(
      'RUN_NOT_FOUND',
      `there is no run in ${store.place}; see \`facet runs list --store STORE\``,
    );
  }
  await makePrivateFolder(folder);
  await reconcileLedger({ path: join(folder, LEDGER_FILE), ledger: store.ledger });
  await fetchDocuments(store, folder, [...(secrets === 'take' ? SECRETS : []), CONFIG_FILE, RESULT_FILE]);
  if (checkpoints === 'none') return [];
  const skipped = await fetchCheckpoints(store, folder);
  return skipped.map(({ path, reason }) => `checkpoint ${path} is damaged and was passed over: ${reason}`);
}

/** Whether a run has begun in a store: its ledger has something in it. */
export async function hasStoredLedger({ ledger }: RunStore): Promise<boolean> {
  for await (const piece of ledger.read()) if (piece.byteLength > 0) return true;
  return false;
}

/** Puts what a run's folder has beside ledger and checkpoints into a store that has it not. */
export async function storeDocuments({ objects }: RunStore, folder: string): Promise<void> {
  for (const name of [...SECRETS, CONFIG_FILE]) {
    const text = await textOf(join(folder, name));
    if (text === undefined) continue;
    const content = name === CONFIG_FILE ? withoutLogin(text) : text;
    if ((await readText(objects, name)) !== content) await objects.put(name, contentOf(content));
  }
  const start = join(folder, START_FOLDER);
  const { steps } = await listCheckpoints(start);
  for (const step of steps) {
    await storeCheckpoint({ objects, shelf: START_FOLDER, step, path: join(start, stepName(step)) });
  }
}

/** The text of a config.json as it may leave this machine. A broker is the matter of those who are at work on a run, and its address may hold a password. */
export function withoutLogin(text: string): string {
  const { nats, ...others } = JSON.parse(text) as { readonly nats?: { readonly url?: string } };
  const kept = nats?.url?.includes('@') === true ? others : { ...others, ...(nats && { nats }) };
  return `${JSON.stringify(kept, null, 2)}\n`;
}

async function fetchDocuments({ objects }: RunStore, folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const text = await readText(objects, name);
    if (text === undefined) continue;
    const path = join(folder, name);
    const own = await textOf(path);
    const content = name === CONFIG_FILE && own !== undefined ? withBrokerOf(text, own) : text;
    if (content !== own) await writeWhole(path, content, 'owner');
  }
}

function withBrokerOf(text: string, own: string): string {
  const { nats } = JSON.parse(own) as { readonly nats?: unknown };
  const others = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return `${JSON.stringify({ ...others, ...(nats !== undefined && { nats }) }, null, 2)}\n`;
}

async function fetchCheckpoints(store: RunStore, folder: string): ReturnType<typeof fetchNewestCheckpoint> {
  const checkpoints = join(folder, CHECKPOINTS_FOLDER);
  const start = join(folder, START_FOLDER);
  const isMissing = await stat(start).then(
    () => false,
    () => true,
  );
  if (isMissing) await fetchNewestCheckpoint(store, START_FOLDER, start, { localStep: undefined });
  const { checkpoint } = await newestSoundCheckpoint(checkpoints);
  return fetchNewestCheckpoint(store, CHECKPOINTS_FOLDER, checkpoints, { localStep: checkpoint?.state.step });
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readRegularText(path, MOST_TEXT_BYTES);
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw caught;
  }
}
