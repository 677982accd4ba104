/**
 * A candidate as a process of this machine: its lease is in the broker, the run in its folder.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  LedgerReader,
  systemClock,
  type BrokerPatience,
  type Clock,
  type LeaseEntry,
  type LeaseSigner,
  type LedgerRecord,
} from '@facet/shared';
import type { CoordinatorOptions } from '../coordinator.js';
import {
  folderRun,
  hasStoredLedger,
  isLockedHere,
  fateOf,
  KEY_FILE,
  ownIdentity,
  readText,
  RESULT_FILE,
  retriedRun,
  type RetryPolicy,
  type RunStore,
} from '@facet/storage';
import type { RunResult, StoredResult } from '../run/result.js';
import { hasLedger } from '../run/run-folder.js';
import { RunKey } from '../secrets/run-key.js';
import { readKey } from '../run/run-secrets.js';
import { prepareRun, startPrepared, type PreparedRun } from '../start-coordinator.js';
import { CandidateLife, type CandidateParts } from './candidate-life.js';
import { openLeaseStore, type LeaseStore } from './lease-store.js';
import { WaitingPort } from './waiting-port.js';

export interface CandidateOptions
  extends Omit<CoordinatorOptions, 'leadership'>, Pick<CandidateParts<RunResult>, 'role' | 'onLeading' | 'onWaiting'> {
  /** How to wait for a broker that is not up yet. Default: not at all. */
  readonly patience?: BrokerPatience | undefined;
}

export interface Candidate {
  /** Resolves at the end of the run, whoever led it last; rejects with why this candidate gave up. */
  readonly done: Promise<RunResult>;
  /** Stops the run with a checkpoint; one that does not lead only ends itself. */
  requestStop(reason: string): void;
  /** Ends with a checkpoint, and leaves the run to the next coordinator; one that does not lead only ends itself. */
  requestHandOver(reason: string): void;
  /** Has a checkpoint taken, if it leads. */
  requestCheckpoint(reason: string): void;
  /** Ends at once, without a checkpoint; a standby may take over. */
  close(): Promise<void>;
}

/**
 * Starts a candidate; returns when it leads, or waits as a standby.
 *
 * @throws TrainingError what startCoordinator throws; RUN_LOCKED when another coordinator leads the run.
 */
export async function startCandidate(options: CandidateOptions): Promise<Candidate> {
  const { config, role, mode, runFolder, clock = systemClock, log } = options;
  const runStore = options.store && retriedRun(options.store, retryPolicy({ config, clock, log }));
  const waiting = new WaitingPort({ config, tls: options.tls, login: options.httpLogin, log });
  await waiting.open('the coordinator opens its data and waits for its broker');
  const { prepared, store } = await prepare(options, runStore).catch(async (caught: unknown) => {
    await waiting.close();
    throw caught;
  });
  if (role === 'standby') await waiting.open();
  const life = new CandidateLife<RunResult>({
    ...options,
    clock,
    store,
    self: { ...ownIdentity(), host: hostname(), holder: randomUUID() },
    isDead,
    open: async ({ isFirst, ...term }) => {
      await waiting.close();
      return startPrepared({ ...options, ...term, store: runStore, mode: isFirst ? mode : 'resume' }, prepared);
    },
    onWaiting: (reason) => {
      void waiting.open();
      options.onWaiting(reason);
    },
    hasBegun: async () => {
      const hasBegun = runStore === undefined ? await hasLedger(runFolder) : await hasStoredLedger(runStore);
      return hasBegun && !(await isLockedHere(runFolder));
    },
    endedResult: () => endedResult(runStore ?? folderRun(runFolder)),
  });
  const done = life.run().finally(() => waiting.close());
  // Who starts it hears of a failure here or by `done`.
  done.catch(() => undefined);
  if (role === 'first') await Promise.race([life.leading, done]);
  return {
    done,
    requestStop: (reason) => {
      life.requestStop(reason);
    },
    requestHandOver: (reason) => {
      life.requestHandOver(reason);
    },
    requestCheckpoint: (reason) => {
      life.requestCheckpoint(reason);
    },
    async close() {
      await life.close();
      await done.catch(() => undefined);
    },
  };
}

/** What a candidate needs before it can wait for the lease. */
async function prepare(
  { config, role, runFolder, tls, brokerCredentials: credentials, patience }: CandidateOptions,
  runStore: RunStore | undefined,
): Promise<{ readonly prepared: PreparedRun; readonly store: LeaseStore }> {
  const prepared = await prepareRun(config);
  const store = await openLeaseStore({
    url: config.nats.url,
    replicas: config.nats.replicas ?? 1,
    tls,
    credentials,
    run: config.run,
    patience,
    signer: leaseSigner(runFolder, runStore),
    ignoresForged: role === 'standby',
  });
  return { prepared, store };
}

/** The folder is read every time, because the key is made when the run begins. On another disk than the leader's it is in the store. */
function leaseSigner(runFolder: string, store: RunStore | undefined): () => Promise<LeaseSigner | undefined> {
  let stored: RunKey | undefined;
  return async () => {
    const own = await readKey(runFolder).catch(() => undefined);
    if (own !== undefined) return own.lease;
    stored ??= store && (await storedKey(store));
    return stored?.lease;
  };
}

async function storedKey({ objects }: RunStore): Promise<RunKey | undefined> {
  try {
    const text = await readText(objects, KEY_FILE);
    return text === undefined ? undefined : new RunKey(Buffer.from(text.trim(), 'hex'));
  } catch {
    return undefined;
  }
}

/** Only processes of this machine can be known to be dead. */
function isDead({ host, pid, startTicks, pidSpace }: LeaseEntry): boolean {
  const known = { ...(startTicks !== undefined && { startTicks }), ...(pidSpace !== undefined && { pidSpace }) };
  return fateOf({ host, pid, ...known }) === 'dead';
}

/**
 * The result of a run that its last leader ended. A standby does not go on with a run that was stopped or has failed. If the
 * leader died after it wrote the end into the ledger and before its result, the run has not ended.
 */
async function endedResult(store: RunStore): Promise<RunResult | undefined> {
  const last = await lastRecord(store);
  if (last?.kind !== 'end') return undefined;
  const stored = await storedResultOf(store);
  // A result from before a resume does not belong to this end.
  if (stored?.outcome !== last.reason || stored.steps !== last.step) return undefined;
  const { confusion: _confusion, history: _history, ...result } = stored;
  return result;
}

async function storedResultOf({ objects }: RunStore): Promise<StoredResult | undefined> {
  try {
    const text = await readText(objects, RESULT_FILE);
    return text === undefined ? undefined : (JSON.parse(text) as StoredResult);
  } catch {
    return undefined;
  }
}

async function lastRecord({ ledger }: RunStore): Promise<LedgerRecord | undefined> {
  let last: LedgerRecord | undefined;
  const reader = new LedgerReader((record) => {
    last = record;
  });
  try {
    for await (const piece of ledger.read()) reader.push(piece);
  } catch {
    // A run whose ledger cannot be read has not ended.
    return undefined;
  }
  return last;
}

/** A store that does not answer is asked as long as workers are waited for. */
function retryPolicy({
  config,
  clock,
  log,
}: Pick<CandidateOptions, 'config' | 'log'> & { readonly clock: Clock }): RetryPolicy {
  return {
    clock,
    limitMs: config.timeouts.gatherMs,
    random: Math.random,
    onRetry: ({ message }, attempt) => {
      log.warn({ attempt, reason: message }, 'the store is asked again');
    },
  };
}
