/**
 * Keeps the lease of a run: waits until it can be taken, renews it while this process leads, and says at once when it is
 * lost. It drives the state machine of lease.ts with a store and a clock. If the store does not answer, it is asked again.
 */
import { pause, TrainingError, type Clock, type LeaseEntry } from '@facet/shared';
import type { Logger } from '@facet/telemetry';
import {
  follow,
  followLeader,
  isLeading,
  nextDeadlineMs,
  patienceMs,
  transition,
  type Lease,
  type LeaseCommand,
  type LeaseEvent,
  type LeaseMoment,
  type LeasePolicy,
} from '../lease/lease.js';
import type { LeaseStore, StoredLease } from './lease-store.js';

/** How often a follower looks at the store, per duration of a lease. */
const LOOKS = 20;

export interface LeaseKeeperOptions {
  readonly store: LeaseStore;
  readonly policy: LeasePolicy;
  /** Who this candidate is; `holder` must be unlike every other one's. */
  readonly self: Omit<LeaseEntry, 'address' | 'isFree'>;
  /** Whether the process of an entry is known to be dead. A process on another machine never is. */
  readonly isDead: (entry: LeaseEntry) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How to wait for the lease. */
export interface AcquireOptions {
  /** `true` for the process that starts a run: if no lease exists, it takes the lease at once. */
  readonly isFirst: boolean;
  /** Asked while the store has no entry: whether the run had a leader, so that the store must have lost its entry. */
  readonly hasLed: () => Promise<boolean>;
  /** Called with the entry of another holder while this process waits. It may throw to give up. */
  readonly onHeld: (held: StoredLease | undefined, waitedMs: number) => void;
  /** Aborting ends the wait. */
  readonly signal: AbortSignal;
}

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  #lease: Lease = follow();
  #address = '';
  #onLost: (reason: string) => void = () => undefined;
  #cancelTick: () => void = () => undefined;
  #writing: Promise<void> | undefined;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** True while no other process can have the lease. After a sleep it is right at once. */
  get isHeld(): boolean {
    return isLeading(this.#lease, this.#moment());
  }

  /**
   * Waits for the lease.
   *
   * @throws TrainingError CANCELLED when the signal aborts, and whatever `onHeld` throws.
   */
  async acquire({ isFirst, hasLed, onHeld, signal }: AcquireOptions): Promise<void> {
    const { clock, policy } = this.#options;
    // A request that is under way belongs to the time before.
    await this.#writing;
    const startedMs = clock.now();
    if (this.#lease.kind === 'lost') this.#lease = followLeader(startedMs);
    this.#address = '';
    for (;;) {
      if (signal.aborted) throw new TrainingError('CANCELLED', 'the wait for the lease was given up');
      const held = await this.#look(isFirst, hasLed);
      if (this.#lease.kind === 'leader') break;
      onHeld(held, clock.now() - startedMs);
      await pause(clock, policy.durationMs / LOOKS);
    }
    this.#scheduleTick();
  }

  /** Publishes the leader's address. `onLost` is called once, when this process must not lead any more. */
  lead(address: string, onLost: (reason: string) => void): void {
    this.#address = address;
    this.#onLost = onLost;
    if (this.#lease.kind === 'leader') void this.#write(this.#lease.revision);
    else if (this.#lease.kind === 'lost') onLost(this.#lease.reason);
  }

  /** Gives the lease back if it is still held. Then a follower can take it at once. */
  async release(): Promise<void> {
    this.#onLost = () => undefined;
    this.#cancelTick();
    await this.#writing;
    const lease = this.#lease;
    if (lease.kind !== 'leader') return;
    this.#lease = { kind: 'lost', reason: 'it was given back' };
    await this.#options.store.write({ ...this.#entry(), isFree: true }, lease.revision).catch(() => undefined);
  }

  #moment(): LeaseMoment {
    return { policy: this.#options.policy, nowMs: this.#options.clock.now() };
  }

  #entry(): LeaseEntry {
    return { ...this.#options.self, address: this.#address, isFree: false };
  }

  /** One look of a follower at the store. If the lease can be taken, it tries to take it. */
  async #look(isFirst: boolean, hasLed: AcquireOptions['hasLed']): Promise<StoredLease | undefined> {
    const { store, clock, log } = this.#options;
    try {
      const askedMs = clock.now();
      const { held, mark } = await store.read();
      if (held === undefined && !isFirst && isNew(this.#lease) && (await hasLed())) {
        log.warn('the broker knows no lease of a run that has begun; it is taken if nobody renews it');
        this.#lease = followLeader(clock.now());
      }
      // The store has lost an entry that was seen before; its holder may still lead.
      const isFree = held === undefined ? isFirst && isNew(this.#lease) : this.#isOpen(held.entry);
      const command = this.#tell({ kind: 'sighted', revision: held?.revision ?? 0, mark, isFree, askedMs });
      if (command?.kind === 'write') await this.#attempt(command.over);
      return held;
    } catch (caught) {
      log.debug({ reason: TrainingError.from(caught).message }, 'the lease cannot be read or taken');
      return undefined;
    }
  }

  #isOpen(entry: LeaseEntry): boolean {
    const { self, isDead } = this.#options;
    return entry.isFree || entry.holder === self.holder || isDead(entry);
  }

  /** Writes, once at a time. */
  #write(over: number): Promise<void> {
    this.#writing ??= this.#attempt(over)
      .catch((caught: unknown) => {
        this.#options.log.warn({ reason: TrainingError.from(caught).message }, 'the lease cannot be renewed');
      })
      .then(() => {
        this.#writing = undefined;
        this.#scheduleTick();
      });
    return this.#writing;
  }

  async #attempt(over: number): Promise<void> {
    const { store, clock } = this.#options;
    const sentAtMs = clock.now();
    const revision = await store.write(this.#entry(), over).catch((caught: unknown) => {
      if (this.#lease.kind === 'follower') this.#tell({ kind: 'refused', reason: 'the broker did not answer' });
      throw caught;
    });
    if (revision !== undefined) {
      this.#tell({ kind: 'renewed', revision, sentAtMs });
      return;
    }
    if (this.#lease.kind !== 'leader') {
      this.#tell({ kind: 'refused', reason: 'another coordinator was faster' });
      return;
    }
    const askedMs = clock.now();
    const { held, mark } = await store.read();
    // What no coordinator of the run wrote is no leader, and is written over.
    const isMine = held === undefined || held.isForged === true || held.entry.holder === this.#options.self.holder;
    const command = isMine
      ? this.#tell({ kind: 'sighted', revision: held?.revision ?? 0, mark, isFree: true, askedMs })
      : this.#tell({ kind: 'refused', reason: `${describeHolder(held)} has taken it` });
    if (command?.kind === 'write') await this.#attempt(command.over);
  }

  #tell(event: LeaseEvent): LeaseCommand | undefined {
    const { lease, command } = transition(this.#lease, event, this.#moment());
    this.#lease = lease;
    if (command?.kind === 'step-down') this.#onLost(command.reason);
    return command;
  }

  #scheduleTick(): void {
    this.#cancelTick();
    const moment = this.#moment();
    const deadlineMs = nextDeadlineMs(this.#lease, moment);
    if (deadlineMs === undefined) return;
    this.#cancelTick = this.#options.clock.schedule(deadlineMs - moment.nowMs, () => {
      const command = this.#tell({ kind: 'elapsed' });
      if (command?.kind === 'write') void this.#write(command.over);
      this.#scheduleTick();
    });
  }
}

/** The follower has seen nothing yet. */
function isNew(lease: Lease): boolean {
  return lease.kind === 'follower' && lease.seen === undefined;
}

/** Who holds a lease, in words. */
export function describeHolder({ entry: { pid, host }, unreadable }: StoredLease): string {
  return unreadable === undefined ? `process ${pid} on ${host}` : `an unknown coordinator (${unreadable})`;
}

/** How long a candidate waits before it knows that an entry's holder lives. */
export function longestWaitMs(policy: LeasePolicy): number {
  return 2 * patienceMs(policy);
}
