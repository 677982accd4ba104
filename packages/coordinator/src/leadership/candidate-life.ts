/**
 * The life of a process that wants to coordinate a run. It waits for the run's lease, leads while it holds it, and becomes a
 * standby if it loses it. Whenever it begins to lead it resumes from the run's folder, as after a crash; there is no other way
 * to take over. The lease keeper decides who may lead. What leading means, and where the run lies, are arguments.
 */
import { maskUrl, parseAddress, TrainingError, type Clock, type LeaseEntry, type RunConfig } from '@facet/shared';
import type { Logger } from '@facet/telemetry';
import type { Coordinator, Leadership } from '../coordinator.js';
import type { LeasePolicy } from '../lease/lease.js';
import { describeHolder, LeaseKeeper, longestWaitMs } from './lease-keeper.js';
import type { LeaseStore, StoredLease } from './lease-store.js';

/** One period in which a candidate leads. */
export interface Term {
  /** True if the run had no leader since this candidate was started, as far as its starter knows. */
  readonly isFirst: boolean;
  readonly config: RunConfig;
  readonly leadership: Leadership;
}

export interface CandidateParts<R> {
  readonly config: RunConfig;
  /** `first` leads now or fails. `standby` waits as long as another process leads, and takes over a run that has begun. */
  readonly role: 'first' | 'standby';
  readonly store: LeaseStore;
  /** `holder` must be unlike every other candidate's. */
  readonly self: Omit<LeaseEntry, 'address' | 'isFree'>;
  /** Whether the process of an entry is known to be dead. */
  readonly isDead: (entry: LeaseEntry) => boolean;
  /** Opens a coordinator that begins the run or goes on with it. */
  readonly open: (term: Term) => Promise<Coordinator<R>>;
  /** True if the run has begun and no living process is known to hold its folder. Then it had a leader, whatever the store says. */
  readonly hasBegun: () => Promise<boolean>;
  /** The result of a run that its last leader ended; undefined if there is work left. */
  readonly endedResult: () => Promise<R | undefined>;
  /** The candidate leads, and workers can join. `address` is empty if there was no work left. */
  readonly onLeading: (coordinator: Pick<Coordinator, 'address' | 'httpUrl'>) => Promise<void>;
  /** The candidate does not lead any more, or does not lead yet. */
  readonly onWaiting: (reason: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class CandidateLife<R> {
  /** Resolves when the candidate leads for the first time. */
  readonly leading: Promise<void>;
  readonly #parts: CandidateParts<R>;
  readonly #keeper: LeaseKeeper;
  readonly #policy: LeasePolicy;
  readonly #abort = new AbortController();
  #config: RunConfig;
  #coordinator: Coordinator<R> | undefined;
  /** How it was told to end, in case that it is about to lead. */
  #asked: ((coordinator: Coordinator<R>) => void) | undefined;
  #terms = 0;
  #seenHolder: string | undefined;
  #onLeading: () => void = () => undefined;

  constructor(parts: CandidateParts<R>) {
    const { config, store, self, isDead, clock, log } = parts;
    this.#parts = parts;
    this.#config = config;
    // A lease lasts as long as a worker may be silent.
    this.#policy = { durationMs: config.timeouts.heartbeatMs };
    this.#keeper = new LeaseKeeper({ store, policy: this.#policy, self, isDead, clock, log });
    this.leading = new Promise((resolve) => {
      this.#onLeading = resolve;
    });
  }

  /** True while no other process can lead. */
  get isLeading(): boolean {
    return this.#keeper.isHeld;
  }

  /**
   * Until the run ends, whoever led it last.
   *
   * @throws TrainingError what opening a coordinator throws; RUN_LOCKED when another one leads a run that this one should begin;
   *   BROKER_UNREACHABLE; CANCELLED when it was told to end while it waited.
   */
  async run(): Promise<R> {
    const { store, endedResult, hasBegun } = this.#parts;
    try {
      for (;;) {
        const isFirst = this.#isFirst;
        await this.#keeper.acquire({
          isFirst,
          hasLed: hasBegun,
          onHeld: (held, waitedMs) => {
            this.#onHeld(held, waitedMs);
          },
          signal: this.#abort.signal,
        });
        const result = (isFirst ? undefined : await endedResult()) ?? (await this.#lead(isFirst));
        if (result !== undefined) return result;
      }
    } finally {
      await this.#keeper.release();
      await store.close();
    }
  }

  /** Stops the run with a checkpoint; one that does not lead only ends itself. */
  requestStop(reason: string): void {
    this.#request((coordinator) => {
      coordinator.requestStop(reason);
    });
  }

  /** Ends with a checkpoint and gives the lease back; one that does not lead only ends itself. */
  requestHandOver(reason: string): void {
    this.#request((coordinator) => {
      coordinator.requestHandOver(reason);
    });
  }

  /** Has a checkpoint taken, if it leads. */
  requestCheckpoint(reason: string): void {
    this.#coordinator?.requestCheckpoint(reason);
  }

  /** A candidate that was told to end never waits for the lease again, even if it loses it before it has ended. */
  #request(ask: (coordinator: Coordinator<R>) => void): void {
    this.#asked = ask;
    this.#abort.abort();
    if (this.#coordinator !== undefined) ask(this.#coordinator);
  }

  /** Ends at once, without a checkpoint. */
  async close(): Promise<void> {
    this.#asked = undefined;
    this.#abort.abort();
    await this.#coordinator?.close();
  }

  /** Only then is there no dead leader whose place must be taken. */
  get #isFirst(): boolean {
    return this.#parts.role === 'first' && this.#terms === 0;
  }

  /** Leads until the run ends; undefined when another candidate leads, or may. */
  async #lead(isFirst: boolean): Promise<R | undefined> {
    const { open, log, onLeading, onWaiting } = this.#parts;
    let lose: (reason: string) => void = () => undefined;
    const lost = new Promise<string>((resolve) => {
      lose = resolve;
    });
    this.#keeper.lead('', lose);
    const leadership: Leadership = {
      lock: isFirst ? 'respect' : 'take-over',
      isHeld: () => this.#keeper.isHeld,
      onFenced: lose,
    };
    const coordinator = await open({ isFirst, config: this.#config, leadership });
    this.#coordinator = coordinator;
    if (this.#abort.signal.aborted) {
      if (this.#asked === undefined) void coordinator.close();
      else this.#asked(coordinator);
    }
    this.#terms += 1;
    this.#keepPorts(coordinator);
    this.#keeper.lead(coordinator.address, lose);
    await onLeading(coordinator);
    this.#onLeading();
    let result: R | undefined;
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

  /** A coordinator that leads again listens at the same ports, so that workers, displays and Prometheus find it. */
  #keepPorts({ address, httpUrl }: Coordinator<R>): void {
    if (address === '') return;
    const { port } = parseAddress(address);
    const httpPort = Number(new URL(httpUrl).port);
    this.#config = { ...this.#config, coordinator: { ...this.#config.coordinator, port, httpPort } };
  }

  #onHeld(held: StoredLease | undefined, waitedMs: number): void {
    const { config, role, log, onWaiting } = this.#parts;
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
    const who = `${describeHolder(held)}${address === '' ? '' : ` at ${address}`}`;
    if (this.#isFirst && waitedMs > longestWaitMs(this.#policy)) {
      throw new TrainingError(
        'RUN_LOCKED',
        `${who} leads run ${config.run}; stop it first, or start this one with --standby`,
      );
    }
    if (holder === this.#seenHolder) return;
    this.#seenHolder = holder;
    log.info({ leader: { pid, host, address }, unreadable: held.unreadable }, 'another coordinator leads the run');
    if (!this.#isFirst) onWaiting(`${who} leads`);
  }
}
