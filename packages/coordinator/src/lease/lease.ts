/**
 * The lease of a run as a pure state machine: (state, event, now) to (state, command). Whoever holds it may lead. A leader counts
 * from the moment at which it sent a renewal, a follower from the moment at which it saw the answer of the store, and waits longer
 * than a leader leads: so at most one believes that it leads, as long as clocks run at nearly the same speed. No two clocks are ever
 * compared. Times are milliseconds of one process's monotonic clock; the store and the timers are the keeper's.
 */

export interface LeasePolicy {
  /** How long a leader leads after it sent the last renewal that was accepted. */
  readonly durationMs: number;
}

/** What a follower saw in the store, and since when it has seen nothing else. */
export interface Sighting {
  /** The entry's revision; 0 when there is none. */
  readonly revision: number;
  readonly sinceMs: number;
  /** When it was seen last: what happened in a longer gap is not known. */
  readonly lastMs: number;
}

export type Lease =
  | { readonly kind: 'follower'; readonly seen: Sighting | undefined }
  | { readonly kind: 'leader'; readonly revision: number; readonly renewedAtMs: number }
  /** It led, and must not any more; a new life as a follower begins with `followAgain`. */
  | { readonly kind: 'lost'; readonly revision: number; readonly reason: string };

export type LeaseEvent =
  /** The store holds this. `isFree`: its holder gave it up, is known to be dead, or is this very candidate. */
  | { readonly kind: 'sighted'; readonly revision: number; readonly isFree: boolean }
  /** The store took what was sent at `sentAtMs`. */
  | { readonly kind: 'renewed'; readonly revision: number; readonly sentAtMs: number }
  /** Somebody else holds it. */
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

/** A follower waits so much longer than a leader leads: enough for clocks whose speeds differ by a tenth. */
const PATIENCE = 1.25;
/** A lease is renewed so often while it lasts, */
const RENEWALS = 3;
/** and what was not answered is asked again so often. */
const RETRIES = 10;
/** A store that lost its memory counts from 1 again: after a longer gap, in leases, an equal revision proves nothing. */
const MOST_GAP = 0.5;
/** No store has it: whatever is seen first is news, from which the wait counts. */
const NEVER_SEEN = -1;

/** The start: nothing seen yet. */
export function follow(): Lease {
  return { kind: 'follower', seen: undefined };
}

/** The start where somebody else led before, as the run itself proves: as after a lease that was lost, but nothing was seen yet. */
export function followLeader(nowMs: number): Lease {
  return { kind: 'follower', seen: { revision: NEVER_SEEN, sinceMs: nowMs, lastMs: nowMs } };
}

/** The life after a lease was lost: somebody led here, so a store that has forgotten everything may be written. */
export function followAgain({ revision }: Extract<Lease, { kind: 'lost' }>, nowMs: number): Lease {
  return { kind: 'follower', seen: { revision, sinceMs: nowMs, lastMs: nowMs } };
}

/** How long an entry must stand unchanged until a follower takes it. */
export function patienceMs({ durationMs }: LeasePolicy): number {
  return durationMs * PATIENCE;
}

/** True as long as nobody else can have the lease. */
export function isLeading(lease: Lease, { policy, nowMs }: LeaseMoment): boolean {
  return lease.kind === 'leader' && nowMs < lease.renewedAtMs + policy.durationMs;
}

/** When the machine wants to hear `elapsed`; undefined while it waits for the store alone. */
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
    // An answer that took as long as the lease lasts grants nothing any more.
    const isLate = nowMs >= renewedAtMs + policy.durationMs;
    const seen = { revision, sinceMs: nowMs, lastMs: nowMs };
    return {
      lease: isLate ? { kind: 'follower', seen } : { kind: 'leader', revision, renewedAtMs },
      command: undefined,
    };
  }
  if (event.kind !== 'sighted') return { lease, command: undefined };
  const { revision, isFree } = event;
  const { seen } = lease;
  // Where nobody ever led, nobody has died.
  if (revision === 0 && seen === undefined && !isFree) return { lease, command: undefined };
  const isUnchanged = seen?.revision === revision && nowMs - seen.lastMs <= policy.durationMs * MOST_GAP;
  const sinceMs = isUnchanged ? seen.sinceMs : nowMs;
  const isOver = nowMs - sinceMs >= patienceMs(policy);
  return {
    lease: { kind: 'follower', seen: { revision, sinceMs, lastMs: nowMs } },
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
      if (nowMs >= renewedAtMs + policy.durationMs) return lose(lease, describeSilence(lease, nowMs));
      return { lease: { kind: 'leader', revision, renewedAtMs }, command: undefined };
    }
    case 'sighted':
      if (!event.isFree) return lose(lease, 'another coordinator has taken it');
      if (nowMs >= endsAtMs) return lose(lease, describeSilence(lease, nowMs));
      // An answer that was lost had written it, or the store has forgotten it.
      return { lease: { ...lease, revision: event.revision }, command: { kind: 'write', over: event.revision } };
    case 'refused':
      return lose(lease, event.reason);
    case 'elapsed':
      if (nowMs >= endsAtMs) return lose(lease, describeSilence(lease, nowMs));
      if (nowMs < lease.renewedAtMs + policy.durationMs / RENEWALS) return { lease, command: undefined };
      return { lease, command: { kind: 'write', over: lease.revision } };
    default:
      return event satisfies never;
  }
}

function describeSilence({ renewedAtMs }: Leading, nowMs: number): string {
  return `it could not be renewed for ${Math.round(nowMs - renewedAtMs)} ms`;
}

function lose({ revision }: Leading, reason: string): LeaseStep {
  return { lease: { kind: 'lost', revision, reason }, command: { kind: 'step-down', reason } };
}
