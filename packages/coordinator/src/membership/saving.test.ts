/** Nobody takes the newest state along, and a run that is handed over goes on where it was. */
import { describe, expect, it } from 'vitest';
import { applied, at, leave, Machine, policy, report } from '../../test/machine.js';
import type { MembershipEvent } from './state.js';

const saved = (workerId: string, failure?: string): MembershipEvent => ({ kind: 'state-saved', workerId, failure });
const handOver: MembershipEvent = { kind: 'hand-over-requested', reason: 'SIGTERM' };
const stop: MembershipEvent = { kind: 'stop-requested', reason: 'enough' };

/** Two members of which both have asked to leave, after step 6. */
function allLeaving(): Machine {
  const machine = Machine.running();
  machine.tell(applied('a', 1, at(4)), applied('b', 1, at(4)), leave('a'), leave('b'));
  machine.tell(applied('a', 1, at(6)), applied('b', 1, at(6)));
  return machine;
}

describe('workers that all leave', () => {
  it('go when a checkpoint of their state stands, and a newcomer goes on from it', () => {
    const machine = allLeaving();
    expect(machine.tell(report('b', 1, at(6)), report('a', 1, at(6)))).toEqual([
      { kind: 'take-checkpoint', workerId: 'a', held: at(6) },
    ]);
    machine.tell({ kind: 'checkpointed', held: at(6) });
    expect(machine.tell(saved('a'))).toMatchObject([
      { kind: 'dismiss', workerId: 'a' },
      { kind: 'dismiss', workerId: 'b' },
    ]);
    expect(machine.state.phase).toMatchObject({ kind: 'gathering' });
    expect(machine.join('c')).toMatchObject([{ kind: 'form', start: at(6) }]);
  });

  it.each<[string, MembershipEvent]>([
    ['cannot be read', saved('a', 'disk full')],
    ['dies with its worker', { kind: 'closed', workerId: 'a', reason: 'gone' }],
  ])('are asked one after the other if a state %s', (_, failure) => {
    const machine = allLeaving();
    machine.tell(report('a', 1, at(6)), report('b', 1, at(6)));
    expect(machine.tell(failure)).toMatchObject([{ kind: 'take-checkpoint', workerId: 'b' }]);
    expect(machine.tell(saved('b', 'disk full'))).toContainEqual(
      expect.objectContaining({ kind: 'dismiss', workerId: 'b' }),
    );
  });

  it('are not kept for ever', () => {
    const machine = allLeaving();
    machine.tell(report('a', 1, at(6)), report('b', 1, at(6)));
    for (let waitedMs = 0; waitedMs < 3 * policy.gatherMs && machine.state.workers.size > 0; waitedMs += 50) {
      machine.tell({ kind: 'heard', workerId: 'a' }, { kind: 'heard', workerId: 'b' });
      machine.pass(50);
    }
    expect(machine.state.workers.size).toBe(0);
  });

  it('are kept while too few are there to train, too', () => {
    const machine = new Machine({ checkpoint: at(2) });
    machine.join('a', at(5));
    expect(machine.state.phase.kind).toBe('gathering');
    expect(machine.tell(leave('a'))).toEqual([{ kind: 'take-checkpoint', workerId: 'a', held: at(5) }]);
  });

  it('take nothing along if another one stays that has it', () => {
    const machine = Machine.running();
    machine.tell(applied('a', 1, at(4)), leave('a'), applied('a', 1, at(6)), applied('b', 1, at(6)));
    expect(machine.tell(report('a', 1, at(6)), report('b', 1, at(6)))).toMatchObject([
      { kind: 'dismiss', workerId: 'a' },
      { kind: 'form', members: [{ workerId: 'b' }] },
    ]);
  });
});

describe('a run that is handed over', () => {
  it('ends here with a checkpoint of the most advanced state', () => {
    const machine = Machine.running();
    expect(machine.tell(handOver)).toMatchObject([{ kind: 'regroup', reason: 'SIGTERM' }]);
    expect(machine.tell(report('a', 1, at(2)), report('b', 1, at(3)))).toEqual([
      { kind: 'take-checkpoint', workerId: 'b', held: at(3) },
    ]);
    expect(machine.tell(saved('b'))).toMatchObject([{ kind: 'end', ending: { outcome: 'handed-over' } }]);
  });

  it('ends at once while it gathers', () => {
    expect(new Machine().tell(handOver)).toMatchObject([{ kind: 'end', ending: { outcome: 'handed-over' } }]);
  });

  it.each([
    ['workers first', [leave('a'), leave('b'), handOver]],
    ['coordinator first', [handOver, leave('b'), leave('a')]],
    ['one of each', [leave('b'), handOver, leave('a')]],
  ])('loses no step when everybody is told to end, %s', (_, events) => {
    const machine = Machine.running();
    machine.tell(applied('a', 1, at(4)), applied('b', 1, at(4)));
    machine.tell(...events);
    const commands = machine.tell(report('a', 1, at(4)), report('b', 1, at(4)));
    expect(commands).toEqual([{ kind: 'take-checkpoint', workerId: 'a', held: at(4) }]);
    machine.tell({ kind: 'checkpointed', held: at(4) });
    expect(machine.tell(saved('a'))).toMatchObject([{ kind: 'end', ending: { outcome: 'handed-over' } }]);
  });

  it('can still be stopped by a person, but a run that is being stopped is not handed over', () => {
    for (const events of [
      [handOver, stop],
      [stop, handOver],
    ]) {
      const machine = Machine.running();
      machine.tell(...events, report('a', 1, at(2)), report('b', 1, at(2)));
      expect(machine.tell(saved('a'))).toMatchObject([{ kind: 'end', ending: { outcome: 'stopped' } }]);
    }
    const machine = Machine.running();
    machine.tell(handOver, report('a', 1, at(2)), report('b', 1, at(2)), stop);
    expect(machine.tell(saved('a'))).toMatchObject([{ kind: 'end', ending: { outcome: 'stopped' } }]);
  });

  it('is handed over after the leavers have saved their state', () => {
    const machine = allLeaving();
    machine.tell(report('a', 1, at(6)), report('b', 1, at(6)), handOver, { kind: 'checkpointed', held: at(6) });
    expect(machine.tell(saved('a'))).toMatchObject([{ kind: 'end', ending: { outcome: 'handed-over' } }]);
  });
});
