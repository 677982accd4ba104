/**
 * A candidate as a process of this machine: its lease is in the broker, the run in its folder.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { readLedgerFile, systemClock, type LeaseEntry, type LedgerRecord } from '@facet/shared';
import type { CoordinatorOptions } from '../coordinator.js';
import { isLockedHere, isProcessAlive, LEDGER_FILE, ownIdentity } from '@facet/storage';
import type { RunResult, StoredResult } from '../run/result.js';
import { hasLedger, readResult } from '../run/run-folder.js';
import { prepareRun, startPrepared } from '../start-coordinator.js';
import { CandidateLife, type CandidateParts } from './candidate-life.js';
import { openLeaseStore } from './lease-store.js';

export interface CandidateOptions
  extends Omit<CoordinatorOptions, 'leadership'>, Pick<CandidateParts<RunResult>, 'role' | 'onLeading' | 'onWaiting'> {}

export interface Candidate {
  /** Resolves at the end of the run, whoever led it last; rejects with why this candidate gave up. */
  readonly done: Promise<RunResult>;
  /** Stops the run with a checkpoint; one that does not lead only ends itself. */
  requestStop(reason: string): void;
  /** Ends at once, without a checkpoint; a standby may take over. */
  close(): Promise<void>;
}

/**
 * Starts a candidate; returns when it leads, or waits as a standby.
 *
 * @throws TrainingError what startCoordinator throws; RUN_LOCKED when another coordinator leads the run.
 */
export async function startCandidate(options: CandidateOptions): Promise<Candidate> {
  const { config, role, mode, runFolder, clock = systemClock } = options;
  const prepared = await prepareRun(config);
  const store = await openLeaseStore({ url: config.nats.url, tls: options.tls, run: config.run });
  const life = new CandidateLife<RunResult>({
    ...options,
    clock,
    store,
    self: { ...ownIdentity(), host: hostname(), holder: randomUUID() },
    isDead,
    open: ({ isFirst, ...term }) => startPrepared({ ...options, ...term, mode: isFirst ? mode : 'resume' }, prepared),
    hasBegun: async () => (await hasLedger(runFolder)) && !(await isLockedHere(runFolder)),
    endedResult: () => endedResult(runFolder),
  });
  const done = life.run();
  // Who starts it hears of a failure here or by `done`.
  done.catch(() => undefined);
  if (role === 'first') await Promise.race([life.leading, done]);
  return {
    done,
    requestStop: (reason) => {
      life.requestStop(reason);
    },
    async close() {
      await life.close();
      await done.catch(() => undefined);
    },
  };
}

/** Only processes of this machine can be known to be dead. */
function isDead({ host, pid, startTicks }: LeaseEntry): boolean {
  return host === hostname() && !isProcessAlive({ pid, ...(startTicks !== undefined && { startTicks }) });
}

/**
 * The result of a run that its last leader ended. A standby does not go on with a run that was stopped or has failed. If the
 * leader died after it wrote the end into the ledger and before its result, the run has not ended.
 */
async function endedResult(runFolder: string): Promise<RunResult | undefined> {
  const last = await lastRecord(runFolder);
  if (last?.kind !== 'end') return undefined;
  const stored = (await readResult(runFolder)) as StoredResult | undefined;
  // A result from before a resume does not belong to this end.
  if (stored?.outcome !== last.reason || stored.steps !== last.step) return undefined;
  const { confusion: _confusion, history: _history, ...result } = stored;
  return result;
}

async function lastRecord(runFolder: string): Promise<LedgerRecord | undefined> {
  let last: LedgerRecord | undefined;
  try {
    await readLedgerFile(join(runFolder, LEDGER_FILE), (record) => {
      last = record;
    });
  } catch {
    // A run without a ledger has not ended.
    return undefined;
  }
  return last;
}
