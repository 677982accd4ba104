import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applied, at, faultOf, initial, leave, Machine, nextStep, policy, report } from '../../test/machine.js';
import type { Command } from './state.js';

describe('other shares', () => {
  it('end the generation after the steps that were begun, and nobody is blamed', () => {
    const machine = Machine.running();
    machine.tell(applied('a', 1, at(4)), applied('b', 1, at(4)));
    const rebalanced = { kind: 'rebalanced', reason: 'it is faster' } as const;
    expect(machine.tell(rebalanced, rebalanced)).toEqual([
      { kind: 'drain', generation: 1, lastStep: 6, reason: 'it is faster', workerIds: ['a', 'b'] },
    ]);
    machine.tell(applied('a', 1, at(6)), applied('b', 1, at(6)), report('b', 1, at(6)));
    expect(machine.tell(report('a', 1, at(6)), rebalanced)).toMatchObject([
      { kind: 'form', generation: 2, members: [{ workerId: 'a' }, { workerId: 'b' }], start: at(6) },
    ]);
  });
});

describe('a worker that is not wanted', () => {
  const unwanted = (workerId: string) => ({ kind: 'unwanted', workerId, reason: 'it is slow' }) as const;

  it('leaves as if it had asked to', () => {
    const machine = Machine.running();
    machine.tell(applied('a', 1, at(4)));
    expect(machine.tell(unwanted('b'))).toEqual([
      { kind: 'drain', generation: 1, lastStep: 6, reason: 'it is slow', workerIds: ['a', 'b'] },
    ]);
    machine.tell(applied('a', 1, at(6)), applied('b', 1, at(6)), report('b', 1, at(6)));
    expect(machine.tell(report('a', 1, at(6)))).toMatchObject([
      { kind: 'dismiss', workerId: 'b' },
      { kind: 'form', generation: 2, members: [{ workerId: 'a' }] },
    ]);
  });

  it('stays when the others would be too few, those not counted who leave', () => {
    const machine = Machine.running();
    machine.tell(leave('a'));
    expect(machine.tell(unwanted('b'))).toEqual([]);
    expect(machine.state.workers.get('b')).toMatchObject({ isLeaving: false });
  });

  it('stays when it is no member of a running generation', () => {
    const machine = new Machine();
    machine.join('a');
    expect(machine.tell(unwanted('a'), unwanted('nobody'))).toEqual([]);
    expect(machine.state.workers.get('a')).toMatchObject({ isLeaving: false });
  });
});

describe('a worker that asks to leave', () => {
  it('ends the steps that were begun, and then goes without a fault', () => {
    const machine = Machine.running();
    machine.tell(applied('a', 1, at(4)));
    expect(machine.tell(leave('b'))).toEqual([
      { kind: 'drain', generation: 1, lastStep: 6, reason: 'worker b leaves: SIGTERM', workerIds: ['a', 'b'] },
    ]);
    expect(machine.tell(applied('b', 1, at(5)), applied('a', 1, at(6)))).toEqual([]);
    expect(machine.tell(applied('b', 1, at(6)))).toMatchObject([{ kind: 'regroup', workerIds: ['a', 'b'] }]);
    expect(machine.tell(report('a', 1, at(6)), report('b', 1, at(6)))).toMatchObject([
      { kind: 'dismiss', workerId: 'b', generation: 1 },
      { kind: 'form', generation: 2, members: [{ workerId: 'a', source: { kind: 'keep' } }], start: at(6) },
    ]);
  });

  it('goes at once when it is in no generation, and a generation that forms is formed anew', () => {
    const machine = new Machine();
    machine.join('a');
    expect(machine.tell(leave('a'))).toMatchObject([{ kind: 'dismiss', workerId: 'a' }]);
    machine.join('b');
    machine.join('c');
    expect(machine.tell(leave('c'))).toMatchObject([{ kind: 'regroup', workerIds: ['b', 'c'] }]);
    expect(machine.tell(report('b', 1, undefined), report('c', 1, undefined))).toMatchObject([
      { kind: 'dismiss', workerId: 'c' },
      { kind: 'form', members: [{ workerId: 'b' }] },
    ]);
  });

  it('is waited for when it has still to report, and gives the final checkpoint when it is the one that can', () => {
    const machine = Machine.running();
    machine.tell({ kind: 'stop-requested', reason: 'enough' });
    expect(machine.tell(leave('a'), leave('b'))).toEqual([]);
    expect(machine.tell(report('a', 1, at(1)), report('b', 1, at(2)))).toMatchObject([
      { kind: 'take-checkpoint', workerId: 'b' },
    ]);
    expect(machine.tell({ kind: 'state-saved', workerId: 'b', failure: undefined })).toMatchObject([
      { kind: 'end', ending: { outcome: 'stopped' } },
    ]);
  });

  it('goes when its generation ends by a fault before it has drained', () => {
    const machine = Machine.running();
    machine.tell(leave('b'));
    expect(machine.tell(faultOf('a', 1))).toMatchObject([{ kind: 'record-fault' }, { kind: 'regroup' }]);
    expect(machine.tell(report('b', 1, at(1)), report('a', 1, at(1)))).toMatchObject([
      { kind: 'dismiss', workerId: 'b' },
      { kind: 'form', members: [{ workerId: 'a' }] },
    ]);
  });

  it('is not waited for longer than a generation may take to gather', () => {
    const machine = Machine.running();
    machine.tell(leave('b'));
    for (let waitedMs = 0; waitedMs < policy.gatherMs - 50; waitedMs += 50) expect(machine.pass(50)).toEqual([]);
    expect(machine.pass(50)).toMatchObject([
      { kind: 'regroup', reason: expect.stringContaining('last step') as string },
    ]);
  });
});

describe('whoever comes and goes', () => {
  const change = fc.record({
    kind: fc.constantFrom('join', 'leave', 'apply'),
    workerId: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  });

  it('costs no fault and no step, and a generation ends only where all of its members stand', () => {
    let [ends, saves] = [0, 0];
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60, size: 'max' }), (changes) => {
        const machine = new Machine();
        let furthest = 0;
        for (const { kind, workerId } of changes) {
          for (const commands of play(machine, kind, workerId)) {
            expect(commands.filter((command) => command.kind === 'record-fault' || command.kind === 'drop')).toEqual(
              [],
            );
            ends += commands.filter((command) => command.kind === 'regroup').length;
            saves += commands.filter((command) => command.kind === 'take-checkpoint').length;
          }
          const { workers, checkpoint } = machine.state;
          const kept = [...workers.values()].map(({ held }) => held?.step ?? 0);
          const reached = Math.max(checkpoint?.step ?? 0, ...kept);
          expect(reached).toBeGreaterThanOrEqual(furthest);
          furthest = reached;
        }
      }),
      { numRuns: 500 },
    );
    expect(ends).toBeGreaterThan(200);
    expect(saves).toBeGreaterThan(50);
  });

  /** One change, and the answers of healthy workers to what follows from it. */
  function* play(machine: Machine, kind: string, workerId: string): Generator<readonly Command[], void> {
    const { phase } = machine.state;
    if (kind === 'join') yield machine.join(workerId);
    if (kind === 'leave') yield machine.tell(leave(workerId));
    if (kind === 'apply' && phase.kind === 'running') {
      const { members, generation } = phase;
      const last = phase.drain?.lastStep ?? Number.POSITIVE_INFINITY;
      const step = nextStep(machine, members);
      expect(step).toBeLessThanOrEqual(last);
      for (const member of members) {
        const commands = machine.tell(applied(member, generation, at(step)));
        if (step === last && member === members.at(-1)) expect(commands[0]).toMatchObject({ kind: 'regroup' });
        yield commands;
      }
    }
    for (;;) {
      const now = machine.state.phase;
      if (now.kind === 'forming') {
        const held = { ...initial, ...now.start, weightsCrc: now.start.weightsCrc ?? initial.weightsCrc };
        yield machine.formed(now.generation, held, ...now.members);
      } else if (now.kind === 'regrouping') {
        const [awaited = ''] = now.awaiting;
        yield machine.tell(report(awaited, now.generation, machine.state.workers.get(awaited)?.held));
      } else if (now.kind === 'saving') {
        const { donor } = now;
        machine.tell({ kind: 'checkpointed', held: machine.state.workers.get(donor)!.held! });
        yield machine.tell({ kind: 'state-saved', workerId: donor, failure: undefined });
      } else {
        return;
      }
    }
  }
});
