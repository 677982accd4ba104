import { describe, expect, it } from 'vitest';
import {
  follow,
  followAgain,
  followLeader,
  isLeading,
  nextDeadlineMs,
  transition,
  type Lease,
  type LeaseEvent,
  type LeaseStep,
} from './lease.js';

const policy = { durationMs: 300 };

const sighted = (revision: number, isFree = false): LeaseEvent => ({ kind: 'sighted', revision, isFree });

/** Applies events at their times; returns the last step. */
function after(...events: readonly (readonly [nowMs: number, event: LeaseEvent])[]): LeaseStep {
  let step: LeaseStep = { lease: follow(), command: undefined };
  for (const [nowMs, event] of events) step = transition(step.lease, event, { policy, nowMs });
  return step;
}

/** Looks every 75 ms from 0 on, and at a time, and always sees the same. */
function watching(revision: number, untilMs: number, from: Lease = follow()): LeaseStep {
  let step: LeaseStep = { lease: from, command: undefined };
  for (let nowMs = 0; nowMs < untilMs; nowMs += 75) step = transition(step.lease, sighted(revision), { policy, nowMs });
  return transition(step.lease, sighted(revision), { policy, nowMs: untilMs });
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
    expect(transition(watching(7, 374).lease, sighted(8), { policy, nowMs: 375 }).command).toBeUndefined();
  });

  it('begins to count again after it has not looked for long: a store that forgot counts from 1 again', () => {
    expect(after([0, sighted(7)], [375, sighted(7)]).command).toBeUndefined();
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
    expect(transition(lease, sighted(8), { policy, nowMs: 6 })).toMatchObject({ command: undefined });
  });
});

describe('a leader', () => {
  const leading = after([0, sighted(7, true)], [10, renewed(8, 0)]).lease;
  const at = (nowMs: number, event: LeaseEvent): LeaseStep => transition(leading, event, { policy, nowMs });

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
    expect(at(20, refused).lease).toEqual({ kind: 'lost', revision: 8, reason: 'gone' });
    expect(at(20, sighted(9)).lease.kind).toBe('lost');
  });

  it('writes again what the store has forgotten, and goes on from an answer that was lost', () => {
    expect(at(120, sighted(0, true)).command).toEqual({ kind: 'write', over: 0 });
    expect(at(120, sighted(9, true))).toMatchObject({ lease: { revision: 9 }, command: { kind: 'write', over: 9 } });
  });

  it('stays lost until it follows again, and then takes what the store has forgotten', () => {
    const { lease } = at(300, elapsed);
    expect(transition(lease, renewed(9, 299), { policy, nowMs: 301 })).toEqual({ lease, command: undefined });
    const again = lease.kind === 'lost' ? followAgain(lease, -1) : lease;
    expect(watching(0, 375, again).command).toEqual({ kind: 'write', over: 0 });
  });
});
