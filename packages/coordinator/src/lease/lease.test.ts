import { describe, expect, it } from 'vitest';
import {
  follow,
  followLeader,
  isLeading,
  nextDeadlineMs,
  transition,
  type Lease,
  type LeaseEvent,
  type LeaseStep,
} from './lease.js';

const policy = { durationMs: 300 };

/** An event that is told at `nowMs`, at which the store was asked too if the event does not say. */
type Told = LeaseEvent | ((nowMs: number) => LeaseEvent);

const sighted =
  (revision: number, isFree = false, life = 1) =>
  (askedMs: number): LeaseEvent => ({ kind: 'sighted', revision, mark: `${revision}@${life}`, isFree, askedMs });

function tell(lease: Lease, event: Told, nowMs: number): LeaseStep {
  return transition(lease, typeof event === 'function' ? event(nowMs) : event, { policy, nowMs });
}

/** Applies events at their times; returns the last step. */
function after(...events: readonly (readonly [nowMs: number, event: Told])[]): LeaseStep {
  let step: LeaseStep = { lease: follow(), command: undefined };
  for (const [nowMs, event] of events) step = tell(step.lease, event, nowMs);
  return step;
}

/** Looks every 75 ms from 0 on, and at a time, and always sees the same. */
function watching(revision: number, untilMs: number, from: Lease = follow()): LeaseStep {
  let step: LeaseStep = { lease: from, command: undefined };
  for (let nowMs = 0; nowMs < untilMs; nowMs += 75) step = tell(step.lease, sighted(revision), nowMs);
  return tell(step.lease, sighted(revision), untilMs);
}

const renewed = (revision: number, sentAtMs: number): LeaseEvent => ({ kind: 'renewed', revision, sentAtMs });
const elapsed: LeaseEvent = { kind: 'elapsed' };
const refused: LeaseEvent = { kind: 'refused', reason: 'gone' };
const leads = (lease: Lease, nowMs: number): boolean => isLeading(lease, { policy, nowMs });

describe('a follower', () => {
  it('that only knows that somebody led waits as long from its first look on', () => {
    // What was forgotten just before may be held still.
    const start = followLeader(-140);
    expect(watching(0, 374, start).command).toBeUndefined();
    expect(watching(0, 375, start).command).toEqual({ kind: 'write', over: 0 });
    expect(watching(0, 5_000).command).toBeUndefined();
  });

  it('takes what is free at once, and what nobody renews after longer than a lease lasts', () => {
    expect(after([0, sighted(7, true)]).command).toEqual({ kind: 'write', over: 7 });
    expect(watching(7, 374).command).toBeUndefined();
    expect(watching(7, 375).command).toEqual({ kind: 'write', over: 7 });
    expect(tell(watching(7, 374).lease, sighted(8), 375).command).toBeUndefined();
  });

  it('begins to count again after it has not looked for long', () => {
    expect(after([0, sighted(7)], [375, sighted(7)]).command).toBeUndefined();
  });

  it('begins to count again when the store has forgotten: an equal revision is another entry then', () => {
    for (const revision of [0, 1]) {
      const { lease } = watching(revision, 374, followLeader(0));
      expect(tell(lease, sighted(revision), 375).command).toEqual({ kind: 'write', over: revision });
      expect(tell(lease, sighted(revision, false, 2), 375).command).toBeUndefined();
    }
  });

  it('begins to count again when its write was refused or not answered', () => {
    const { lease } = tell(watching(7, 375).lease, refused, 380);
    expect(tell(lease, sighted(7), 390).command).toBeUndefined();
  });

  it('does not believe an answer that comes after half a lease', () => {
    const late = (askedMs: number) => tell(watching(7, 225).lease, () => sighted(7)(askedMs), 375);
    expect(late(225).command).toEqual({ kind: 'write', over: 7 });
    expect(late(224).command).toBeUndefined();
    expect(tell(follow(), () => sighted(7, true)(224), 375).command).toBeUndefined();
  });

  it('takes a lease that the store has forgotten, but never one that nobody ever held', () => {
    expect(after([0, sighted(0)], [900, sighted(0)]).command).toBeUndefined();
    expect(watching(0, 375, after([0, sighted(7)]).lease).command).toEqual({ kind: 'write', over: 0 });
  });

  it('leads from the moment at which it sent what the store took, not from the answer', () => {
    const { lease } = after([0, sighted(7, true)], [90, renewed(8, 0)]);
    expect([leads(lease, 299), leads(lease, 300)]).toEqual([true, false]);
    expect(after([0, sighted(7, true)], [300, renewed(8, 0)]).lease.kind).toBe('follower');
  });

  it('goes on watching when somebody was faster', () => {
    const { lease } = after([0, sighted(7, true)], [5, refused]);
    expect(tell(lease, sighted(8), 6)).toMatchObject({ command: undefined });
  });
});

describe('a leader', () => {
  const leading = after([0, sighted(7, true)], [10, renewed(8, 0)]).lease;
  const at = (nowMs: number, event: Told): LeaseStep => tell(leading, event, nowMs);

  it('renews at a third of the lease', () => {
    expect(nextDeadlineMs(leading, { policy, nowMs: 10 })).toBe(100);
    expect(at(99, elapsed).command).toBeUndefined();
    expect(at(100, elapsed).command).toEqual({ kind: 'write', over: 8 });
  });

  it('asks again, ten times while a lease lasts, until it is answered or over', () => {
    for (const [nowMs, nextMs] of [
      [100, 130],
      [129, 130],
      [130, 160],
      [279, 280],
      [280, 300],
      [299, 300],
    ] as const) {
      expect(nextDeadlineMs(leading, { policy, nowMs })).toBe(nextMs);
    }
    expect(at(130, elapsed).command).toEqual({ kind: 'write', over: 8 });
  });

  it('steps down when its time is over, or when another one has it', () => {
    expect(at(300, elapsed).command).toEqual({ kind: 'step-down', reason: 'it could not be renewed for 300 ms' });
    expect(at(20, refused).lease).toEqual({ kind: 'lost', reason: 'gone' });
    expect(at(20, sighted(9)).lease.kind).toBe('lost');
  });

  it('writes again what the store has forgotten, and goes on from an answer that was lost', () => {
    expect(at(120, sighted(0, true)).command).toEqual({ kind: 'write', over: 0 });
    expect(at(120, sighted(9, true))).toMatchObject({ lease: { revision: 9 }, command: { kind: 'write', over: 9 } });
  });

  it('stays lost until it follows again, and then takes what the store has forgotten', () => {
    const { lease } = at(300, elapsed);
    expect(transition(lease, renewed(9, 299), { policy, nowMs: 301 })).toEqual({ lease, command: undefined });
    expect(watching(0, 375, followLeader(-1)).command).toEqual({ kind: 'write', over: 0 });
  });
});
