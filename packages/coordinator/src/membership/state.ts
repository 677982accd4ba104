/**
 * The types of membership: workers, phases of the run, events and commands. Everything is plain data. The decisions are in
 * transition.ts; sockets and timers are in the conductor. Times are milliseconds of one monotonic clock that the caller
 * reads.
 */
import type { ErrorCode, Plan, WorkItem } from '@facet/shared';

/** Training state that somebody holds: the weights after `step`, and their CRC-32. */
export interface HeldState {
  readonly step: number;
  readonly weightsCrc: number;
}

/** A connected worker. `connecting` until its engine runs, `member` while it belongs to a generation. */
export interface WorkerEntry {
  readonly workerId: string;
  /** Where it runs, as its peers see it. */
  readonly host: string;
  /** Workers are ranked in the order in which they came, those of one host together. */
  readonly joinOrder: number;
  readonly stage: 'connecting' | 'ready' | 'member';
  readonly connectedAtMs: number;
  readonly heardAtMs: number;
  /** The state that it last reported, if the ledger explains it. */
  readonly held: HeldState | undefined;
  /** The last generation that it was a member of; 0 if it was in none. */
  readonly generation: number;
  /** The worker asked to leave. It goes as soon as the others do not need it. */
  readonly isLeaving: boolean;
}

/**
 * `Drain`: the running generation ends after `lastStep`. That is two steps after the last reported step, so no member is past
 * it yet, and no work is thrown away.
 */
export interface Drain {
  readonly lastStep: number;
  readonly deadlineMs: number;
  readonly reason: string;
}

/** `handed-over`: this coordinator ends, and the run waits for the next one. */
export type Outcome = 'finished' | 'stopped' | 'failed' | 'handed-over';

/** How the run ends. `code` says why it failed. */
export interface Ending {
  readonly outcome: Outcome;
  readonly code?: ErrorCode;
  readonly message: string;
}

export type Phase =
  | { readonly kind: 'gathering'; readonly wanted: number; readonly deadlineMs: number }
  | {
      readonly kind: 'forming';
      readonly generation: number;
      /** In rank order. */
      readonly members: readonly string[];
      readonly start: StartState;
      readonly formed: ReadonlyMap<string, HeldState>;
      readonly deadlineMs: number;
    }
  | {
      readonly kind: 'running';
      readonly generation: number;
      readonly members: readonly string[];
      readonly drain: Drain | undefined;
    }
  | {
      readonly kind: 'regrouping';
      readonly generation: number;
      readonly awaiting: ReadonlySet<string>;
      readonly deadlineMs: number;
      readonly reason: string;
    }
  /** Everybody who holds the newest state leaves. They go when a checkpoint of it has been taken from `donor`. */
  | { readonly kind: 'saving'; readonly donor: string; readonly wanted: number; readonly deadlineMs: number }
  /** The final checkpoint is being taken from `donor`. */
  | { readonly kind: 'stopping'; readonly ending: Ending; readonly donor: string; readonly deadlineMs: number }
  | { readonly kind: 'ended'; readonly ending: Ending };

/** The state that a generation starts from. The checksum of initial weights is not known before they exist. */
export interface StartState {
  readonly step: number;
  readonly weightsCrc: number | undefined;
}

/** The whole state of the machine. */
export interface Membership {
  readonly phase: Phase;
  readonly workers: ReadonlyMap<string, WorkerEntry>;
  /** The last generation that was formed. */
  readonly generation: number;
  /** How many workers ever joined. */
  readonly joins: number;
  /** The newest checkpoint that the coordinator can hand out. */
  readonly checkpoint: HeldState | undefined;
  readonly evaluatedSteps: ReadonlySet<number>;
  /** Generations that a fault ended since the last new commit or evaluation. */
  readonly fruitlessGenerations: number;
  readonly invalidShards: number;
  readonly lastFault: string | undefined;
  /** How the run, or this coordinator's part of it, shall end; undefined while nobody has asked for an end. */
  readonly requested: Ending | undefined;
}

export type MembershipEvent =
  | { readonly kind: 'connected'; readonly workerId: string; readonly host: string }
  | { readonly kind: 'ready'; readonly workerId: string; readonly held: HeldState | undefined }
  | { readonly kind: 'heard'; readonly workerId: string }
  | { readonly kind: 'formed'; readonly workerId: string; readonly generation: number; readonly held: HeldState }
  | {
      readonly kind: 'report';
      readonly workerId: string;
      readonly generation: number;
      readonly held: HeldState | undefined;
    }
  | {
      readonly kind: 'fault';
      readonly workerId: string;
      readonly generation: number;
      readonly step: number;
      readonly code: ErrorCode;
      readonly message: string;
    }
  /** A member applied a step, and the ledger explains what it holds. */
  | { readonly kind: 'applied'; readonly workerId: string; readonly generation: number; readonly held: HeldState }
  | { readonly kind: 'leave-requested'; readonly workerId: string; readonly reason: string }
  /** Let a member go, because the others would be faster without it. Refused if too few would remain. */
  | { readonly kind: 'unwanted'; readonly workerId: string; readonly reason: string }
  /** Other shares are worth a new generation. */
  | { readonly kind: 'rebalanced'; readonly reason: string }
  | { readonly kind: 'closed'; readonly workerId: string; readonly reason: string }
  /** A step stands in the ledger for the first time. */
  | { readonly kind: 'committed'; readonly step: number }
  /** The evaluation that follows a step is complete; every member holds the state after that step. */
  | { readonly kind: 'evaluated'; readonly held: HeldState }
  /** The coordinator can hand out this state. */
  | { readonly kind: 'checkpointed'; readonly held: HeldState }
  /** The checkpoint that a `take-checkpoint` asked for was taken, or why it was not. */
  | { readonly kind: 'state-saved'; readonly workerId: string; readonly failure: string | undefined }
  | { readonly kind: 'stop-requested'; readonly reason: string }
  /** This coordinator shall end and leave the run, with a checkpoint, to the next one. */
  | { readonly kind: 'hand-over-requested'; readonly reason: string }
  /** The run cannot go on, for a reason outside of membership. */
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'tick' };

/** Where a member gets the state that its generation starts from. */
export type Source =
  | { readonly kind: 'initial' | 'keep' }
  | { readonly kind: 'pull-from-worker'; readonly workerId: string }
  | { readonly kind: 'pull-from-coordinator' };

export interface FormMember {
  readonly workerId: string;
  readonly rank: number;
  readonly source: Source;
}

export type Command =
  | {
      readonly kind: 'form';
      readonly generation: number;
      readonly members: readonly FormMember[];
      readonly start: StartState;
      readonly work: WorkItem;
    }
  | { readonly kind: 'start'; readonly generation: number; readonly workerIds: readonly string[] }
  | {
      readonly kind: 'regroup';
      readonly generation: number;
      readonly reason: string;
      readonly workerIds: readonly string[];
    }
  /** Tell the members that their generation ends after a step. */
  | {
      readonly kind: 'drain';
      readonly generation: number;
      readonly lastStep: number;
      readonly reason: string;
      readonly workerIds: readonly string[];
    }
  /** A worker that asked to leave may go. The state no longer contains it. */
  | {
      readonly kind: 'dismiss';
      readonly workerId: string;
      /** The last one that it was a member of; 0 when it was in none. */
      readonly generation: number;
      readonly reason: string;
    }
  /** End the worker's stream. The state no longer contains it. */
  | { readonly kind: 'drop'; readonly workerId: string; readonly reason: string }
  | {
      readonly kind: 'record-fault';
      readonly generation: number;
      readonly step: number | undefined;
      readonly code: ErrorCode;
      readonly message: string;
    }
  | { readonly kind: 'take-checkpoint'; readonly workerId: string; readonly held: HeldState }
  | { readonly kind: 'end'; readonly ending: Ending };

export interface MembershipPolicy {
  readonly workers: { readonly count: number; readonly min: number; readonly max: number };
  readonly heartbeatMs: number;
  readonly gatherMs: number;
  readonly plan: Pick<Plan, 'after' | 'next' | 'isLastOfEpoch' | 'totalSteps'>;
}

/** The run fails after this many generations in a row that a fault ended before anything was committed. */
export const MAX_FRUITLESS_GENERATIONS = 10;

export interface CreateMembershipOptions {
  readonly policy: MembershipPolicy;
  readonly nowMs: number;
  /** The last generation of an earlier coordinator of this run, or 0. */
  readonly generation: number;
  readonly checkpoint: HeldState | undefined;
  readonly evaluatedSteps: Iterable<number>;
}

/** The initial state, without workers. */
export function createMembership(options: CreateMembershipOptions): Membership {
  const { policy, nowMs, generation, checkpoint, evaluatedSteps } = options;
  return {
    phase: {
      kind: 'gathering',
      wanted: Math.min(policy.workers.count, policy.workers.max),
      deadlineMs: nowMs + policy.gatherMs,
    },
    workers: new Map(),
    generation,
    joins: 0,
    checkpoint,
    evaluatedSteps: new Set(evaluatedSteps),
    fruitlessGenerations: 0,
    invalidShards: 0,
    lastFault: undefined,
    requested: undefined,
  };
}

/** When a worker is dropped unless it is heard before. A worker that prepares its engine may be busy for long. */
export function workerDeadlineMs(worker: WorkerEntry, policy: MembershipPolicy): number {
  if (worker.stage === 'connecting') return worker.connectedAtMs + policy.gatherMs;
  return worker.heardAtMs + policy.heartbeatMs;
}

/** When the machine wants its next tick; undefined only after the end. */
export function nextDeadlineMs({ phase, workers }: Membership, policy: MembershipPolicy): number | undefined {
  if (phase.kind === 'ended') return undefined;
  const own = phaseDeadlineMs(phase) ?? Number.POSITIVE_INFINITY;
  return [...workers.values()].reduce((least, worker) => Math.min(least, workerDeadlineMs(worker, policy)), own);
}

/** When a phase has lasted too long. Training has no such deadline. */
export function phaseDeadlineMs(phase: Phase): number | undefined {
  if (phase.kind === 'running') return phase.drain?.deadlineMs;
  return phase.kind === 'ended' ? undefined : phase.deadlineMs;
}

/** The event that ends the run because of a bug of ours. */
export function bugIn(found: string): MembershipEvent {
  return { kind: 'failed', code: 'INTERNAL', message: `${found}; report this as a bug, then resume` };
}
