import { expect, test } from 'vitest';
import { policy } from '../../test/machine.js';
import { AdaptivePolicy } from './adaptive-policy.js';
import { createMembership, type Membership, type MembershipEvent } from './state.js';
import { transition } from './transition.js';

/** A coordinator's membership and its policy, in a test's hands; heartbeats of 100 ms at the least. */
class Adaptive {
  readonly changes: number[] = [];
  readonly policy = new AdaptivePolicy({ policy, onChange: (allowedMs) => this.changes.push(allowedMs) });
  nowMs = 0;
  dropped: string[] = [];
  #state: Membership = createMembership({ policy, nowMs: 0, generation: 0, checkpoint: undefined, evaluatedSteps: [] });

  tell(atMs: number, ...events: MembershipEvent[]): void {
    this.nowMs = atMs;
    for (const event of events) {
      const { state, commands } = transition(this.#state, event, this.policy.observe(this.#state, event, atMs));
      this.#state = state;
      for (const command of commands) if (command.kind === 'drop') this.dropped.push(command.reason);
    }
  }

  join(atMs: number, workerId: string): void {
    this.tell(atMs, { kind: 'connected', workerId, host: 'h' }, { kind: 'ready', workerId, held: undefined });
  }
}

const heard = (workerId: string): MembershipEvent => ({ kind: 'heard', workerId });
const tick: MembershipEvent = { kind: 'tick' };

test('a worker may pause for longer where workers pause', () => {
  const run = new Adaptive();
  run.join(0, 'a');
  run.tell(80, tick, heard('a'));
  run.tell(230, tick, heard('a'));
  expect(run.dropped).toEqual([]);
  // 2 times 150 ms.
  run.tell(500, tick, heard('a'));
  expect(run.dropped).toEqual([]);
  expect(run.changes).toEqual([160, 300]);
});

test('a frozen worker is dropped, and the message says what was allowed', () => {
  const run = new Adaptive();
  run.join(0, 'a');
  run.tell(90, heard('a'));
  run.tell(260, tick);
  expect(run.dropped).toEqual([]);
  run.tell(271, tick);
  expect(run.dropped).toEqual(['worker a was silent for 181 ms, allowed are 180 ms']);
});

test('a worker that comes back teaches how long pauses are; one that never does teaches nothing', () => {
  const run = new Adaptive();
  run.join(0, 'a');
  run.join(0, 'b');
  run.tell(100, tick);
  expect(run.dropped).toHaveLength(2);
  expect(run.policy.current.heartbeatMs).toBe(100);
  run.join(140, 'a');
  expect(run.policy.current.heartbeatMs).toBe(280);
  run.tell(400, tick);
  expect(run.dropped).toHaveLength(2);
});

test('a worker that prepares its engine says nothing of pauses', () => {
  const run = new Adaptive();
  run.tell(0, { kind: 'connected', workerId: 'a', host: 'h' });
  run.tell(900, heard('a'));
  expect(run.policy.current.heartbeatMs).toBe(100);
});
