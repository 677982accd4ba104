/**
 * The lease of a run as a pure state machine: (state, event, now) to (state, command). The holder of the lease may lead. A
 * leader counts from the moment it sent a renewal. A follower counts from the moment it saw the store's answer, and waits
 * longer than a leader leads. So at most one process believes that it leads, as long as clocks run at nearly the same speed.
 * No two clocks are ever compared. Times are milliseconds of one process's monotonic clock. The lease keeper owns the store
 * and the timers.
 *
 * The promise has three conditions. Clocks differ in speed by at most a tenth. The store forgets at most once in two and a half
 * leases, and requests that are on their way to it are lost then. While it is new, a write arrives within a tenth of a lease or
 * not at all: its revisions begin at 1 again, so a later write may hit the revision of another entry.
 */

export interface LeasePolicy {
  /** How long a leader leads after it sent the last renewal that was accepted. */
  readonly durationMs: number;
}

/** The entry that a follower saw in the store, and since when it has seen no other. */
export interface Sighting {
  readonly mark: string;
  readonly sinceMs: number;
  /** When the store was last asked. After a long gap the follower cannot know what happened in between. */
  readonly lastMs: number;
}

export type Lease =
  | { readonly kind: 'follower'; readonly seen: Sighting | undefined }
  | { readonly kind: 'leader'; readonly revision: number; readonly renewedAtMs: number }
  /** The process led and must not lead any more. `followLeader` makes it a follower. */
  | { readonly kind: 'lost'; readonly reason: string };

export type LeaseEvent =
  /**
   * The store, asked at `askedMs`, has this entry; revision 0 is none. No two entries have one `mark`, and no two stores without
   * an entry: a store that forgets counts revisions from 1 again. `isFree`: its holder gave it up, is known to be dead, or is
   * this candidate itself.
   */
  | {
      readonly kind: 'sighted';
      readonly revision: number;
      readonly mark: string;
      readonly isFree: boolean;
      readonly askedMs: number;
    }
  /** The store took what was sent at `sentAtMs`. */
  | { readonly kind: 'renewed'; readonly revision: number; readonly sentAtMs: number }
  /** Somebody else holds it, or wrote first. A follower's write that is not answered counts as refused. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'elapsed' };

export type LeaseCommand =
  /** Write the own entry if the store's revision is still `over`. */
  { readonly kind: 'write'; readonly over: number } | { readonly kind: 'step-down'; readonly reason: string };

export interface LeaseStep {
  readonly lease: Lease;
  readonly command: LeaseCommand | undefined;
}

export interface LeaseMoment {
  readonly policy: LeasePolicy;
  readonly nowMs: number;
}

/** A follower waits this many times as long as a leader leads: enough for clocks whose speeds differ by a tenth. */
const PATIENCE = 1.25;
/** Renewals per duration of a lease. */
const RENEWALS = 3;
/** If a renewal is not answered, it is sent again this many times per duration. */
const RETRIES = 10;
/** An answer that is older than this, in durations of a lease, says nothing about the store; nor do two looks so far apart. */
const MOST_GAP = 0.5;
/** A mark that no store has. So the first entry that is seen counts as new, and the wait begins with it. */
const NEVER_SEEN = '';

/** The start: nothing seen yet. */
export function follow(): Lease {
  return { kind: 'follower', seen: undefined };
}

/** A follower that knows of a leader and has seen nothing yet: it may write to a store that has lost everything. */
export function followLeader(nowMs: number): Lease {
  return { kind: 'follower', seen: { mark: NEVER_SEEN, sinceMs: nowMs, lastMs: nowMs } };
}

/** How long an entry must stand unchanged until a follower takes it. */
export function patienceMs({ durationMs }: LeasePolicy): number {
  return durationMs * PATIENCE;
}

/** True as long as no other process can have the lease. */
export function isLeading(lease: Lease, { policy, nowMs }: LeaseMoment): boolean {
  return lease.kind === 'leader' && nowMs < lease.renewedAtMs + policy.durationMs;
}

/** When the machine needs the event `elapsed`; undefined while it waits only for the store. */
export function nextDeadlineMs(lease: Lease, { policy, nowMs }: LeaseMoment): number | undefined {
  if (lease.kind !== 'leader') return undefined;
  const renewalMs = lease.renewedAtMs + policy.durationMs / RENEWALS;
  if (nowMs < renewalMs) return renewalMs;
  const retryMs = policy.durationMs / RETRIES;
  const retries = Math.floor((nowMs - renewalMs) / retryMs) + 1;
  return Math.min(renewalMs + retries * retryMs, lease.renewedAtMs + policy.durationMs);
}

/** Applies one event. */
export function transition(lease: Lease, event: LeaseEvent, moment: LeaseMoment): LeaseStep {
  switch (lease.kind) {
    case 'follower':
      return asFollower(lease, event, moment);
    case 'leader':
      return asLeader(lease, event, moment);
    case 'lost':
      return { lease, command: undefined };
    default:
      return lease satisfies never;
  }
}

function asFollower(
  lease: Extract<Lease, { kind: 'follower' }>,
  event: LeaseEvent,
  { policy, nowMs }: LeaseMoment,
): LeaseStep {
  if (event.kind === 'renewed') {
    const { revision, sentAtMs: renewedAtMs } = event;
    // If the answer took as long as the lease lasts, the lease is over already.
    const isLate = nowMs >= renewedAtMs + policy.durationMs;
    return { lease: isLate ? followLeader(nowMs) : { kind: 'leader', revision, renewedAtMs }, command: undefined };
  }
  // What was seen is not there any more: the store may have forgotten what replaced it by the next look.
  if (event.kind === 'refused') return { lease: followLeader(nowMs), command: undefined };
  if (event.kind !== 'sighted') return { lease, command: undefined };
  const { revision, mark, isFree, askedMs } = event;
  const { seen } = lease;
  // Without an earlier leader there is nobody whose place this follower could take.
  if (revision === 0 && seen === undefined && !isFree) return { lease, command: undefined };
  if (nowMs - askedMs > policy.durationMs * MOST_GAP) return { lease: followLeader(nowMs), command: undefined };
  const isUnchanged = seen?.mark === mark && nowMs - seen.lastMs <= policy.durationMs * MOST_GAP;
  const sinceMs = isUnchanged ? seen.sinceMs : nowMs;
  const isOver = nowMs - sinceMs >= patienceMs(policy);
  return {
    lease: { kind: 'follower', seen: { mark, sinceMs, lastMs: askedMs } },
    command: isFree || isOver ? { kind: 'write', over: revision } : undefined,
  };
}

type Leading = Extract<Lease, { kind: 'leader' }>;

function asLeader(lease: Leading, event: LeaseEvent, { policy, nowMs }: LeaseMoment): LeaseStep {
  const endsAtMs = lease.renewedAtMs + policy.durationMs;
  switch (event.kind) {
    case 'renewed': {
      const { revision, sentAtMs } = event;
      const renewedAtMs = Math.max(lease.renewedAtMs, sentAtMs);
      if (nowMs >= renewedAtMs + policy.durationMs) return lose(describeSilence(lease, nowMs));
      return { lease: { kind: 'leader', revision, renewedAtMs }, command: undefined };
    }
    case 'sighted':
      if (!event.isFree) return lose('another coordinator has taken it');
      if (nowMs >= endsAtMs) return lose(describeSilence(lease, nowMs));
      // An earlier write of ours went through without an answer, or the store has lost the entry.
      return { lease: { ...lease, revision: event.revision }, command: { kind: 'write', over: event.revision } };
    case 'refused':
      return lose(event.reason);
    case 'elapsed':
      if (nowMs >= endsAtMs) return lose(describeSilence(lease, nowMs));
      if (nowMs < lease.renewedAtMs + policy.durationMs / RENEWALS) return { lease, command: undefined };
      return { lease, command: { kind: 'write', over: lease.revision } };
    default:
      return event satisfies never;
  }
}

function describeSilence({ renewedAtMs }: Leading, nowMs: number): string {
  return `it could not be renewed for ${Math.round(nowMs - renewedAtMs)} ms`;
}

function lose(reason: string): LeaseStep {
  return { lease: { kind: 'lost', reason }, command: { kind: 'step-down', reason } };
}
