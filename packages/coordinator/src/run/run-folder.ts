/**
 * A run's folder and what an earlier coordinator left in it. Opening takes the lock, reads the ledger and the newest sound
 * checkpoint, and refuses what does not belong together; from then on only this process writes here.
 */
import { createHash } from 'node:crypto';
import { rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  asStarted,
  type Changeable,
  type LedgerRecord,
  makePrivateFolder,
  type Plan,
  readRegularText,
  type RunConfig,
  type RunRecord,
  type OperatorToken,
  type RunToken,
  TrainingError,
  trainingIdentity,
  withoutSecrets,
  writeWhole,
} from '@facet/shared';
import type { NamedSource } from '@facet/datasets';
import type { Logger } from '@facet/telemetry';
import {
  CHECKPOINTS_FOLDER,
  CONFIG_FILE,
  LEDGER_FILE,
  RESULT_FILE,
  START_FOLDER,
  newestSoundCheckpoint,
  type Checkpoint,
  openLedger,
  type LedgerFile,
  lockRun,
  takeOverRun,
  type RunLock,
  hasStoredLedger,
  type RunStore,
} from '@facet/storage';
import type { CheckpointIo } from './checkpointer.js';
import type { RunKey } from '../secrets/run-key.js';
import { openSecrets, removeSecrets } from './run-secrets.js';
import { StoreLink } from './store-link.js';

const MOST_RESULT_BYTES = 16 * 1024 * 1024;
const MOST_CONFIG_BYTES = 1024 * 1024;

export interface OpenRunFolderOptions {
  readonly folder: string;
  readonly mode: 'new' | 'resume';
  readonly config: RunConfig;
  readonly hasOwnBroker: boolean;
  /** Default: that in the folder, or a new one. */
  readonly token: RunToken | undefined;
  /** As token. */
  readonly operatorToken: OperatorToken | undefined;
  /** `take-over` for a coordinator that holds the run's lease: it takes the folder from the earlier one. */
  readonly lock: 'respect' | 'take-over';
  readonly onLedgerError: (error: TrainingError) => void;
  /** Called with every record of the ledger, in order, before the folder is open. */
  readonly onRecord: (record: LedgerRecord) => void;
  /** As in openLedger. */
  readonly onAppended?: (record: LedgerRecord) => void;
  /** Where the run lives beside this folder. Then the folder is brought up to date from there first. */
  readonly store?: RunStore | undefined;
  readonly log: Logger;
}

export interface RunFolder {
  readonly path: string;
  readonly checkpointsPath: string;
  readonly ledger: LedgerFile;
  readonly key: RunKey;
  /** What workers must have to join. */
  readonly token: RunToken;
  /** What operators must have to give orders. */
  readonly operatorToken: OperatorToken;
  /** Newest sound checkpoint of an earlier coordinator. */
  readonly checkpoint: Checkpoint | undefined;
  /** One sentence each about what was found damaged. */
  readonly warnings: readonly string[];
  /** The same ways of checkpoints, but that they also go from the folder to the store. */
  storing(io: CheckpointIo): CheckpointIo;
  /** False once another coordinator has taken the folder or the store over. */
  isHeld(): Promise<boolean>;
  /**
   * Waits until the newest checkpoint is in the store.
   *
   * @throws TrainingError why it is not.
   */
  settle(): Promise<void>;
  writeResult(result: unknown): Promise<void>;
  /** Stores what a resume changed. What else this coordinator was told holds for it alone. */
  storeChanges(config: Changeable): Promise<void>;
  /** Closes the folder of a run that has not begun, and removes what was made of it. */
  discard(): Promise<void>;
  /** Closes the ledger and gives the lock back. */
  close(): Promise<void>;
}

/**
 * Opens the folder of a run.
 *
 * @throws TrainingError RUN_EXISTS, RUN_NOT_FOUND, RUN_LOCKED, LEDGER_INVALID or CHECKPOINT_INCOMPATIBLE.
 */
export async function openRunFolder(options: OpenRunFolderOptions): Promise<RunFolder> {
  const { folder, mode, onLedgerError, onRecord, onAppended, store } = options;
  await checkMode(options);
  await makePrivateFolder(folder);
  const lock = options.lock === 'take-over' ? await takeOverRun(folder) : await lockRun(folder);
  let ledger: LedgerFile | undefined;
  let link: StoreLink | undefined;
  try {
    // Checked again under the lock, because two coordinators may have been started at once.
    await checkMode(options);
    link = store && (await StoreLink.open(store, options));
    const checkpointsPath = join(folder, CHECKPOINTS_FOLDER);
    const { checkpoint: newest, skipped } = await newestSoundCheckpoint(checkpointsPath);
    const checkpoint = newest ?? (await readStart(folder, options.config));
    ledger = await openLedger({
      ...{ folder, onRecord, onAppended, onError: onLedgerError, mirror: link?.claim },
      isWriter: () => lock.isHeld(),
    });
    const warnings = [...(link?.warnings ?? [])];
    const damaged = skipped.map(({ path, reason }) => `checkpoint ${path} is damaged and was passed over: ${reason}`);
    warnings.push(...damaged);
    if (ledger.recovered !== undefined) {
      warnings.push(`the ledger's last ${ledger.recovered.bytes} bytes were torn and were cut off`);
    }
    const isNew = mode === 'new' || ledger.isNew;
    const { key, token, operatorToken } = await openSecrets(folder, { isNew, given: options });
    if (isNew) await writeWhole(join(folder, CONFIG_FILE), storedConfigText(options), 'owner');
    await link?.begin(newest);
    return {
      path: folder,
      checkpointsPath,
      ledger,
      key,
      token,
      operatorToken,
      checkpoint,
      warnings,
      storing: (io) => link?.storing(io) ?? io,
      isHeld: async () => (await lock.isHeld()) && (await link?.claim.isHeld()) !== false,
      settle: async () => link?.settle(),
      async writeResult(result) {
        const text = `${JSON.stringify(result, null, 2)}\n`;
        await writeWhole(join(folder, RESULT_FILE), text, 'owner');
        await link?.putResult(text);
      },
      async storeChanges(changed) {
        await storeChanges(folder, changed);
        await link?.putDocuments();
      },
      close: () => closeAll(ledger, link, lock),
      async discard() {
        await ledger?.close();
        await link?.discard();
        for (const name of [LEDGER_FILE, CONFIG_FILE]) await rm(join(folder, name), { force: true });
        await removeSecrets(folder);
        await rm(join(folder, START_FOLDER), { recursive: true, force: true });
        await lock.release();
        // Whatever else lies there is somebody's.
        await rmdir(folder).catch(() => undefined);
      },
    };
  } catch (caught) {
    await closeAll(ledger, link, lock);
    throw caught;
  }
}

/** The result of a run that ended earlier, as it was written; undefined when there is none. */
export async function readResult(folder: string): Promise<unknown> {
  try {
    return JSON.parse(await readRegularText(join(folder, RESULT_FILE), MOST_RESULT_BYTES)) as unknown;
  } catch {
    return undefined;
  }
}

/** The resolved configuration as it is sent to workers. */
export function configText(config: RunConfig): string {
  return `${JSON.stringify(config, null, 2)}\n`;
}

type StoredConfigParts = Pick<OpenRunFolderOptions, 'config' | 'folder' | 'hasOwnBroker'>;

/**
 * The resolved configuration as a file that another run can be started with: a run is called what its folder is called, and
 * a broker that ends with the run is gone.
 */
function storedConfigText({ config, folder, hasOwnBroker }: StoredConfigParts): string {
  const { run: _run, nats, tls, ...others } = config;
  // Certificates in the run's folder are those of a launch, and end with it.
  const isOwnTls = tls !== undefined && dirname(dirname(tls.folder)) === resolve(folder);
  // A login is a secret: whoever goes on with the run brings it again.
  const lasting = {
    ...(!hasOwnBroker && { nats: withoutSecrets({ nats }).nats }),
    ...(tls !== undefined && !isOwnTls && { tls }),
  };
  return `${JSON.stringify({ ...others, ...lasting }, null, 2)}\n`;
}

/** The weights that a run starts with; undefined for one that starts from its seed. */
async function readStart(folder: string, { start, run }: RunConfig): Promise<Checkpoint | undefined> {
  if (start === undefined) return undefined;
  const path = join(folder, START_FOLDER);
  const { checkpoint, skipped } = await newestSoundCheckpoint(path);
  if (checkpoint?.state.step === 0 && checkpoint.weightsSha256 === start.sha256) return checkpoint;
  const found = checkpoint === undefined ? (skipped[0]?.reason ?? 'it is not there') : checkpoint.weightsSha256;
  throw new TrainingError(
    'CHECKPOINT_INCOMPATIBLE',
    `run ${run} starts from weights of ${start.from} with SHA-256 ${start.sha256}; in ${path}: ${found}; restore that folder from a copy, or start a new run with --from`,
  );
}

async function storeChanges(folder: string, { epochs, optimizer, changes }: Changeable): Promise<void> {
  const file = join(folder, CONFIG_FILE);
  const stored = JSON.parse(await readRegularText(file, MOST_CONFIG_BYTES)) as Record<string, unknown>;
  await writeWhole(file, `${JSON.stringify({ ...stored, epochs, optimizer, changes }, null, 2)}\n`, 'owner');
}

/** SHA-256 of the part of the configuration that decides the arithmetic, as the run was started. */
function trainingConfigSha256(config: RunConfig): string {
  return createHash('sha256')
    .update(JSON.stringify(trainingIdentity(asStarted(config))))
    .digest('hex');
}

export interface RunRecordOptions {
  readonly config: RunConfig;
  readonly plan: Plan;
  readonly data: Pick<NamedSource, 'name' | 'digest'>;
  readonly at: string;
}

/** What the ledger's first record must say about this run. */
export function runRecord({ config, plan, data, at }: RunRecordOptions): RunRecord {
  return {
    kind: 'run',
    version: 2,
    run: config.run,
    dataset: data.name,
    datasetSha256: data.digest,
    trainSamples: plan.trainSamples,
    ...(plan.heldOut.length > 0 && { heldOut: plan.heldOut }),
    seed: config.seed,
    globalBatch: config.batch.global,
    microBatch: config.batch.micro,
    epochs: asStarted(config).epochs,
    configSha256: trainingConfigSha256(config),
    at,
  };
}

/**
 * Compares the ledger of an earlier coordinator with this run.
 *
 * @throws TrainingError CONFIG_INVALID naming what differs.
 */
export function checkSameRun(found: LedgerRecord | undefined, expected: RunRecord): void {
  if (found?.kind !== 'run') {
    throw new TrainingError(
      'LEDGER_INVALID',
      `the ledger starts with "${found?.kind}", expected "run"; restore it from a copy`,
    );
  }
  // Its name may have changed: that is the folder's.
  const keys = [
    'dataset',
    'datasetSha256',
    'trainSamples',
    'seed',
    'globalBatch',
    'microBatch',
    'epochs',
    'configSha256',
  ] as const;
  const differing = keys
    .filter((key) => found[key] !== expected[key])
    .map((key) => `${key} was ${found[key]}, is ${expected[key]}`);
  const [before, now] = [found, expected].map(({ heldOut = new Uint32Array() }) => heldOut);
  if (before!.join() !== now!.join()) {
    differing.push(`heldOut was ${before!.length} samples, is ${now!.length}, or not the same ones`);
  }
  if (differing.length === 0) return;
  const list = differing.join('; ');
  throw new TrainingError(
    'CONFIG_INVALID',
    `run ${expected.run} was started with another configuration or dataset: ${list}; what decides the arithmetic is fixed for the life of a run`,
  );
}

async function checkMode({ folder, mode, config, store }: OpenRunFolderOptions): Promise<void> {
  const hasBegunHere = await hasLedger(folder);
  const hasBegun = hasBegunHere || (store !== undefined && (await hasStoredLedger(store)));
  if (mode === 'new' && hasBegun) {
    throw new TrainingError(
      'RUN_EXISTS',
      `run ${config.run} exists in ${hasBegunHere ? folder : store?.place}; say \`facet resume ${config.run}\`, or another --run`,
    );
  }
  if (mode === 'resume' && !hasBegun) {
    throw new TrainingError(
      'RUN_NOT_FOUND',
      `there is no run to resume in ${store === undefined ? folder : `${folder} or ${store.place}`}: ${LEDGER_FILE} is missing; check --run and the folder`,
    );
  }
}

/** An empty ledger is that of a coordinator that failed before it began. */
/** Whether a run has begun in a folder: its ledger has something in it. */
export async function hasLedger(folder: string): Promise<boolean> {
  try {
    return (await stat(join(folder, LEDGER_FILE))).size > 0;
  } catch {
    return false;
  }
}

async function closeAll(ledger: LedgerFile | undefined, link: StoreLink | undefined, lock: RunLock): Promise<void> {
  try {
    await ledger?.close();
    await link?.close();
  } finally {
    await lock.release();
  }
}
