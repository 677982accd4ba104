/**
 * A process that wants to coordinate a run: it waits for the run's lease, leads while it holds it, and waits again when it lost it, as a
 * standby of whoever took over. Every time that it leads it goes on from the run's folder, as after a crash; there is no other way to
 * take over. Who may lead is the keeper's to know, what leading means the coordinator's.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  maskUrl,
  parseAddress,
  parseLedger,
  systemClock,
  TrainingError,
  type LeaseEntry,
  type RunConfig,
} from '@facet/shared';
import type { Coordinator, CoordinatorOptions } from '../coordinator.js';
import type { LeasePolicy } from '../lease/lease.js';
import { isProcessAlive, ownIdentity } from '../run/process-identity.js';
import type { RunResult, StoredResult } from '../run/result.js';
import { LEDGER_FILE, readResult } from '../run/run-folder.js';
import { prepareRun, startPrepared, type PreparedRun } from '../start-coordinator.js';
import { LeaseKeeper, longestWaitMs } from './lease-keeper.js';
import { openLeaseStore, type LeaseStore, type StoredLease } from './lease-store.js';

export interface CandidateOptions extends Omit<CoordinatorOptions, 'leadership'> {
  /** `first` leads now or fails; `standby` waits for as long as somebody leads, and takes over a run that has begun. */
  readonly role: 'first' | 'standby';
  /** It leads, and workers can join; `address` is empty when there was nothing left to do. */
  readonly onLeading: (coordinator: Pick<Coordinator, 'address' | 'httpUrl'>) => Promise<void>;
  /** It leads no more, or not yet. */
  readonly onWaiting: (reason: string) => void;
}

export interface Candidate {
  /** Resolves at the end of the run, whoever led it last; rejects with why this candidate gave up. */
  readonly done: Promise<RunResult>;
  /** Stops the run with a checkpoint; one that does not lead only ends itself. */
  requestStop(reason: string): void;
  /** Ends at once, without a checkpoint; a standby may take over. */
  close(): Promise<void>;
}

/**
 * Starts a candidate; returns when it leads, or waits as a standby. A lease lasts as long as a worker may be silent.
 *
 * @throws TrainingError what startCoordinator throws; RUN_LOCKED when another coordinator leads the run.
 */
export async function startCandidate(options: CandidateOptions): Promise<Candidate> {
  const { config, role } = options;
  const prepared = await prepareRun(config);
  const store = await openLeaseStore({ url: config.nats.url, run: config.run });
  const life = new CandidateLife(options, prepared, store);
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

class CandidateLife {
  /** Resolves when it leads for the first time. */
  readonly leading: Promise<void>;
  readonly #options: CandidateOptions;
  readonly #prepared: PreparedRun;
  readonly #store: LeaseStore;
  readonly #keeper: LeaseKeeper;
  readonly #policy: LeasePolicy;
  readonly #abort = new AbortController();
  #config: RunConfig;
  #coordinator: Coordinator | undefined;
  #terms = 0;
  #seenHolder: string | undefined;
  #onLeading: () => void = () => undefined;

  constructor(options: CandidateOptions, prepared: PreparedRun, store: LeaseStore) {
    const { clock = systemClock, log, config } = options;
    this.#options = options;
    this.#prepared = prepared;
    this.#store = store;
    this.#config = config;
    this.#policy = { durationMs: config.timeouts.heartbeatMs };
    const self = { ...ownIdentity(), host: hostname(), holder: randomUUID() };
    this.#keeper = new LeaseKeeper({ store, policy: this.#policy, self, isDead, clock, log });
    this.leading = new Promise((resolve) => {
      this.#onLeading = resolve;
    });
  }

  async run(): Promise<RunResult> {
    try {
      for (;;) {
        const isFirst = this.#isFirst;
        await this.#keeper.acquire({
          isFirst,
          onHeld: (held, waitedMs) => {
            this.#onHeld(held, waitedMs);
          },
          signal: this.#abort.signal,
        });
        const result =
          (isFirst ? undefined : await endedResult(this.#options.runFolder)) ?? (await this.#lead(isFirst));
        if (result !== undefined) return result;
      }
    } finally {
      await this.#keeper.release();
      await this.#store.close();
    }
  }

  requestStop(reason: string): void {
    // It never waits for the lease again, not even when it loses it before it has stopped.
    this.#abort.abort();
    this.#coordinator?.requestStop(reason);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#coordinator?.close();
  }

  /** Only then nobody can have died whose place must be taken. */
  get #isFirst(): boolean {
    return this.#options.role === 'first' && this.#terms === 0;
  }

  /** Leads until the run ends; undefined when another candidate leads, or may. */
  async #lead(isFirst: boolean): Promise<RunResult | undefined> {
    const { log, onLeading, onWaiting, mode } = this.#options;
    let lose: (reason: string) => void = () => undefined;
    const lost = new Promise<string>((resolve) => {
      lose = resolve;
    });
    this.#keeper.lead('', lose);
    const coordinator = await startPrepared(
      {
        ...this.#options,
        config: this.#config,
        mode: isFirst ? mode : 'resume',
        leadership: { lock: isFirst ? 'respect' : 'take-over', isHeld: () => this.#keeper.isHeld, onFenced: lose },
      },
      this.#prepared,
    );
    if (this.#abort.signal.aborted) void coordinator.close();
    this.#coordinator = coordinator;
    this.#terms += 1;
    this.#keepPorts(coordinator);
    this.#keeper.lead(coordinator.address, lose);
    await onLeading(coordinator);
    this.#onLeading();
    let result: RunResult | undefined;
    const ended = coordinator.done.then((value) => {
      result = value;
    });
    const reason = await Promise.race([ended, lost]);
    if (reason !== undefined) {
      log.error({ reason }, 'this coordinator has lost the lease of the run and commands no more; it stands by');
      await coordinator.stepDown();
      onWaiting(reason);
    }
    this.#coordinator = undefined;
    await this.#keeper.release();
    return result;
  }

  /** Workers, displays and Prometheus find a coordinator that leads again where it was. */
  #keepPorts({ address, httpUrl }: Coordinator): void {
    if (address === '') return;
    const { port } = parseAddress(address);
    const httpPort = Number(new URL(httpUrl).port);
    this.#config = { ...this.#config, coordinator: { ...this.#config.coordinator, port, httpPort } };
  }

  #onHeld(held: StoredLease | undefined, waitedMs: number): void {
    const { config, role, log, onWaiting } = this.#options;
    const { gatherMs } = config.timeouts;
    const isPatient = role === 'standby' && this.#terms === 0;
    if (held === undefined) {
      if (isPatient || waitedMs <= gatherMs) return;
      const url = maskUrl(config.nats.url);
      throw new TrainingError(
        'BROKER_UNREACHABLE',
        `the NATS broker at ${url} gave no lease for ${Math.round(waitedMs)} ms; start it again, then resume the run`,
      );
    }
    const { holder, pid, host, address } = held.entry;
    const who = `process ${pid} on ${host}${address === '' ? '' : ` at ${address}`}`;
    if (this.#isFirst && waitedMs > longestWaitMs(this.#policy)) {
      throw new TrainingError(
        'RUN_LOCKED',
        `${who} leads run ${config.run}; stop it first, or start this one with --standby`,
      );
    }
    if (holder === this.#seenHolder) return;
    this.#seenHolder = holder;
    log.info({ leader: { pid, host, address } }, 'another coordinator leads the run');
    if (!this.#isFirst) onWaiting(`${who} leads`);
  }
}

/** Only of this machine's processes is known that they are dead. */
function isDead({ host, pid, startTicks }: LeaseEntry): boolean {
  return host === hostname() && !isProcessAlive({ pid, ...(startTicks !== undefined && { startTicks }) });
}

/**
 * The result of a run that its last leader ended: a standby does not go on with what was stopped or has failed. A leader that died
 * between the end in the ledger and its result has not ended the run.
 */
async function endedResult(runFolder: string): Promise<RunResult | undefined> {
  const text = await readFile(join(runFolder, LEDGER_FILE), 'utf8').catch(() => '');
  const last = parseLedger(text).records.at(-1);
  if (last?.kind !== 'end') return undefined;
  const stored = (await readResult(runFolder)) as StoredResult | undefined;
  // One of an earlier life of the run is not this end's.
  if (stored?.outcome !== last.reason || stored.steps !== last.step) return undefined;
  const { confusion: _confusion, history: _history, ...result } = stored;
  return result;
}
