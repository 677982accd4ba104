import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Machine, applied, at, initial, nextStep, policy, report } from '../../test/machine.js';
import { nextDeadlineMs, type MembershipEvent } from './state.js';

describe('whatever happens', () => {
  const workerId = fc.constantFrom('a', 'b', 'c', 'd');
  const generation = fc.integer({ min: 0, max: 4 });
  const held = fc.option(
    fc.integer({ min: 0, max: 8 }).map((step) => at(step)),
    { nil: undefined },
  );
  const event: fc.Arbitrary<MembershipEvent> = fc.oneof(
    fc.record({ kind: fc.constant('connected' as const), workerId, host: fc.constantFrom('here', 'there') }),
    fc.record({ kind: fc.constant('ready' as const), workerId, held }),
    fc.record({ kind: fc.constant('heard' as const), workerId }),
    fc.record({
      kind: fc.constant('formed' as const),
      workerId,
      generation,
      held: held.map((state) => state ?? initial),
    }),
    fc.record({ kind: fc.constant('report' as const), workerId, generation, held }),
    fc.record({
      kind: fc.constant('fault' as const),
      workerId,
      generation,
      step: fc.nat(8),
      code: fc.constantFrom('STEP_TIMEOUT', 'SHARD_INVALID', 'PEER_UNAVAILABLE'),
      message: fc.constant('a fault'),
    }),
    fc.record({
      kind: fc.constant('applied' as const),
      workerId,
      generation,
      held: held.map((state) => state ?? initial),
    }),
    fc.record({ kind: fc.constant('leave-requested' as const), workerId, reason: fc.constant('bye') }),
    fc.record({ kind: fc.constant('unwanted' as const), workerId, reason: fc.constant('slow') }),
    fc.record({ kind: fc.constant('rebalanced' as const), reason: fc.constant('faster') }),
    fc.record({ kind: fc.constant('closed' as const), workerId, reason: fc.constant('gone') }),
    fc.record({ kind: fc.constant('committed' as const), step: fc.integer({ min: 1, max: 8 }) }),
    fc.record({ kind: fc.constant('evaluated' as const), held: fc.constantFrom(at(4), at(8)) }),
    fc.record({
      kind: fc.constant('checkpointed' as const),
      held: fc.integer({ min: 0, max: 8 }).map((step) => at(step)),
    }),
    fc.record({
      kind: fc.constant('state-saved' as const),
      workerId,
      failure: fc.constantFrom(undefined, 'disk full'),
    }),
    fc.record({ kind: fc.constant('tick' as const) }),
    fc.record({
      kind: fc.constantFrom('stop-requested' as const, 'hand-over-requested' as const),
      reason: fc.constant('enough'),
    }),
  );
  /** Answers that a healthy worker would give, so that sequences get far. */
  const answer = fc.constantFrom('join-all', 'form-all', 'report-all', 'hear-all', 'apply-all');
  const script = fc.array(
    fc.tuple(fc.oneof({ arbitrary: event, weight: 1 }, { arbitrary: answer, weight: 2 }), fc.nat(60)),
    {
      maxLength: 80,
      size: 'max',
    },
  );

  function answersOf(machine: Machine, wanted: string): MembershipEvent[] {
    const { phase } = machine.state;
    if (wanted === 'form-all' && phase.kind === 'forming') {
      const { generation, start } = phase;
      const state = { step: start.step, weightsCrc: start.weightsCrc ?? 7 };
      return phase.members.map((id) => ({ kind: 'formed', workerId: id, generation, held: state }));
    }
    if (wanted === 'report-all' && phase.kind === 'regrouping') {
      return [...phase.awaiting].map((id) => report(id, phase.generation, at(2)));
    }
    if (wanted === 'apply-all' && phase.kind === 'running') {
      return phase.members.map((id) => applied(id, phase.generation, at(nextStep(machine, phase.members))));
    }
    if (wanted === 'join-all') {
      return ['a', 'b', 'c'].flatMap((id) => [
        { kind: 'connected', workerId: id, host: id === 'b' ? 'there' : 'here' } as const,
        { kind: 'ready', workerId: id, held: undefined } as const,
      ]);
    }
    return wanted === 'hear-all'
      ? [...machine.state.workers.keys()].map((id) => ({ kind: 'heard', workerId: id }))
      : [];
  }

  it('keeps its promises', () => {
    let forms = 0;
    fc.assert(
      fc.property(script, (steps) => {
        const machine = new Machine();
        let lastFormed = 0;
        let started = 0;
        let over = 0;
        for (const [what, ms] of steps) {
          machine.nowMs += ms;
          const events = typeof what === 'string' ? answersOf(machine, what) : [what];
          for (const each of events) {
            const before = machine.state;
            const commands = machine.tell(each);
            const present = new Set([...before.workers.keys(), ...machine.state.workers.keys()]);
            const dropped = new Set<string>();
            for (const command of commands) {
              if (command.kind === 'form') {
                forms += 1;
                expect(command.generation).toBe(lastFormed + 1);
                lastFormed = command.generation;
                expect(command.members.map(({ rank }) => rank)).toEqual(command.members.map((_, rank) => rank));
                const ids = command.members.map((member) => member.workerId);
                expect(new Set(ids).size).toBe(ids.length);
                expect(ids.length).toBeLessThanOrEqual(policy.workers.max);
                for (const id of ids) expect(machine.state.workers.has(id) || dropped.has(id)).toBe(true);
              } else if (command.kind === 'start') {
                expect(command.generation).toBe(lastFormed);
                expect(over).toBe(started);
                started = command.generation;
              } else if (command.kind === 'regroup') {
                expect(command.generation).toBe(lastFormed);
                over = command.generation;
                started = command.generation;
                for (const id of command.workerIds) expect(machine.state.workers.has(id)).toBe(true);
              } else if (command.kind === 'drain') {
                expect(command.generation).toBe(started);
                expect(over).toBeLessThan(started);
              } else if (command.kind === 'drop' || command.kind === 'dismiss') {
                expect(present.has(command.workerId)).toBe(true);
                expect(dropped.has(command.workerId)).toBe(false);
                dropped.add(command.workerId);
                expect(machine.state.workers.has(command.workerId)).toBe(false);
              } else if (command.kind === 'take-checkpoint') {
                expect(machine.state.workers.has(command.workerId)).toBe(true);
              } else if (command.kind === 'end') {
                expect(machine.state.phase.kind).toBe('ended');
              }
            }
            if (machine.state.phase.kind !== 'running' && before.phase.kind === 'running') over = started;
            const deadlineMs = nextDeadlineMs(machine.state, policy);
            if (machine.state.phase.kind === 'ended') expect(deadlineMs).toBeUndefined();
            else expect(Number.isFinite(deadlineMs)).toBe(true);
          }
        }
      }),
      { numRuns: 1_000 },
    );
    expect(forms).toBeGreaterThan(1_000);
  });

  it('comes to an end by itself when nobody says anything any more', () => {
    fc.assert(
      fc.property(script, (steps) => {
        const machine = new Machine();
        for (const [what, ms] of steps) {
          machine.nowMs += ms;
          machine.tell(...(typeof what === 'string' ? answersOf(machine, what) : [what]));
        }
        for (let ticks = 0; machine.state.phase.kind !== 'ended'; ticks++) {
          expect(ticks).toBeLessThan(50);
          machine.nowMs = Math.max(machine.nowMs, nextDeadlineMs(machine.state, policy) ?? 0);
          machine.tell({ kind: 'tick' });
        }
      }),
      { numRuns: 300 },
    );
  });
});
