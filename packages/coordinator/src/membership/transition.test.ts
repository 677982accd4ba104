import { describe, expect, it } from 'vitest';
import { Machine, applied, at, faultOf, initial, report } from '../../test/machine.js';
import { MAX_FRUITLESS_GENERATIONS, type MembershipEvent } from './state.js';

describe('the first generation', () => {
  it('waits for the wanted number, ranks in join order, and starts from initial weights', () => {
    const machine = new Machine();
    expect(machine.join('b')).toEqual([]);
    expect(machine.join('a')).toEqual([
      {
        kind: 'form',
        generation: 1,
        members: [
          { workerId: 'b', rank: 0, source: { kind: 'initial' } },
          { workerId: 'a', rank: 1, source: { kind: 'initial' } },
        ],
        start: { step: 0, weightsCrc: undefined },
        work: { kind: 'train', step: 1 },
      },
    ]);
    expect(machine.formed(1, initial, 'a')).toEqual([]);
    expect(machine.formed(1, initial, 'b')).toEqual([{ kind: 'start', generation: 1, workerIds: ['b', 'a'] }]);
  });

  it('ranks the workers of one host together', () => {
    const machine = new Machine({ changes: { workers: { count: 5, min: 1, max: 5 } } });
    for (const name of ['a1', 'b1', 'a2', 'c1']) machine.join(name, undefined, name.slice(0, 1));
    const [form] = machine.join('b2', undefined, 'b');
    expect(form?.kind === 'form' && form.members.map(({ workerId, rank }) => `${rank} ${workerId}`)).toEqual([
      ...['0 a1', '1 a2', '2 b1', '3 b2', '4 c1'],
    ]);
  });

  it('forms with fewer when the time is up and the minimum is there', () => {
    const machine = new Machine();
    machine.join('a');
    expect(machine.pass(999)).toEqual([]);
    expect(machine.pass(1)).toMatchObject([{ kind: 'form', members: [{ workerId: 'a' }] }]);
  });

  it('fails with fewer than the minimum, and says how many came', () => {
    const machine = new Machine({ changes: { workers: { count: 3, min: 2, max: 3 } } });
    machine.join('a');
    const [end] = machine.pass(1_000);
    expect(end).toMatchObject({ kind: 'end', ending: { outcome: 'failed', code: 'PEER_UNAVAILABLE' } });
    expect(end?.kind === 'end' && end.ending.message).toContain(
      '1 workers were ready within 1000 ms, expected at least 2',
    );
  });

  it('resumes from the checkpoint when no worker holds anything', () => {
    const machine = new Machine({ checkpoint: at(3), generation: 6 });
    machine.join('a');
    expect(machine.join('b')).toMatchObject([
      {
        kind: 'form',
        generation: 7,
        members: [{ source: { kind: 'pull-from-coordinator' } }, { source: { kind: 'pull-from-coordinator' } }],
        start: at(3),
        work: { kind: 'train', step: 4 },
      },
    ]);
  });

  it('takes the most advanced worker as donor, even before the checkpoint', () => {
    const machine = new Machine({ checkpoint: at(3) });
    machine.join('a', at(2));
    expect(machine.join('b', at(4))).toMatchObject([
      {
        members: [{ source: { kind: 'pull-from-worker', workerId: 'b' } }, { source: { kind: 'keep' } }],
        start: at(4),
        work: { kind: 'evaluate', step: 4 },
      },
    ]);
  });

  it('stops when two hold different weights of one step, and names them', () => {
    const machine = new Machine();
    machine.join('a', at(2, 1));
    const [end] = machine.join('b', at(2, 2));
    expect(end).toMatchObject({ kind: 'end', ending: { outcome: 'failed', code: 'DESYNC' } });
    expect(end?.kind === 'end' && end.ending.message).toMatch(/step 2 differ: a has 00000001, b has 00000002/);
  });

  it('stops when members formed different states', () => {
    const machine = new Machine();
    machine.join('a');
    machine.join('b');
    machine.formed(1, initial, 'a');
    expect(machine.formed(1, { ...initial, weightsCrc: 8 }, 'b')).toMatchObject([{ ending: { code: 'DESYNC' } }]);
  });

  it('gives up those who do not form in time', () => {
    const machine = new Machine();
    machine.join('a');
    machine.join('b');
    machine.formed(1, initial, 'a');
    for (let i = 0; i < 19; i++) machine.pass(50);
    expect(machine.pass(50)).toMatchObject([
      { kind: 'drop', workerId: 'b' },
      { kind: 'record-fault', generation: 1, code: 'PEER_UNAVAILABLE' },
      { kind: 'regroup', generation: 1, workerIds: ['a'] },
    ]);
  });
});

describe('a running generation', () => {
  it('regroups once when a stream closes, and goes on at the next step', () => {
    const machine = Machine.running();
    expect(machine.tell({ kind: 'closed', workerId: 'b', reason: 'its stream broke' })).toEqual([
      {
        kind: 'record-fault',
        generation: 1,
        step: undefined,
        code: 'PEER_UNAVAILABLE',
        message: 'worker b is gone: its stream broke',
      },
      { kind: 'regroup', generation: 1, reason: 'worker b is gone: its stream broke', workerIds: ['a'] },
    ]);
    expect(machine.tell(faultOf('a', 1))).toEqual([]);
    expect(machine.tell(report('a', 1, at(2)))).toMatchObject([
      {
        kind: 'form',
        generation: 2,
        members: [{ workerId: 'a', source: { kind: 'keep' } }],
        work: { kind: 'train', step: 3 },
      },
    ]);
  });

  it('counts one fault however many report it', () => {
    const machine = Machine.running();
    const commands = machine.tell(faultOf('a', 1), faultOf('b', 1));
    expect(commands.filter(({ kind }) => kind === 'record-fault')).toHaveLength(1);
  });

  it('excludes the silent', () => {
    const machine = Machine.running();
    machine.pass(60, ['a']);
    expect(machine.pass(40, ['a'])).toMatchObject([
      { kind: 'drop', workerId: 'b', reason: 'worker b was silent for 100 ms, allowed are 100 ms' },
      { kind: 'record-fault' },
      { kind: 'regroup', workerIds: ['a'] },
    ]);
  });

  it('drops a survivor that does not report', () => {
    const machine = Machine.running();
    machine.tell(faultOf('a', 1), report('a', 1, at(1)));
    machine.pass(99);
    machine.pass(99);
    expect(machine.pass(2)).toMatchObject([
      { kind: 'drop', workerId: 'b' },
      { kind: 'form', generation: 2, members: [{ workerId: 'a' }] },
    ]);
  });

  it('takes in a newcomer by a generation without a fault, up to the maximum', () => {
    const machine = Machine.running();
    expect(machine.join('c')).toMatchObject([{ kind: 'drain', lastStep: 2, reason: 'worker c joins' }]);
    expect(machine.tell(applied('a', 1, at(2)), applied('b', 1, at(2)))).toMatchObject([
      { kind: 'regroup', reason: 'worker c joins', workerIds: ['a', 'b'] },
    ]);
    expect(machine.tell(report('a', 1, at(2)), report('b', 1, at(2)))).toMatchObject([
      {
        members: [
          { workerId: 'a' },
          { workerId: 'b' },
          { workerId: 'c', rank: 2, source: { kind: 'pull-from-worker', workerId: 'a' } },
        ],
      },
    ]);
    machine.formed(2, at(2), 'a', 'b', 'c');
    expect(machine.join('d')).toEqual([]);
  });

  it('waits for more workers when there are fewer than the minimum', () => {
    const machine = new Machine({ changes: { workers: { count: 2, min: 2, max: 3 } } });
    machine.join('a');
    machine.join('b');
    machine.formed(1, initial, 'a', 'b');
    machine.tell({ kind: 'closed', workerId: 'b', reason: 'gone' }, report('a', 1, at(1)));
    expect(machine.state.phase).toMatchObject({ kind: 'gathering', wanted: 2 });
    expect(machine.join('c')).toMatchObject([{ kind: 'form', generation: 2, start: at(1) }]);
  });

  it('ends the run at a fault that another generation would only repeat', () => {
    const machine = Machine.running();
    expect(machine.tell({ ...faultOf('a', 1), code: 'NON_FINITE' } as MembershipEvent)).toMatchObject([
      { kind: 'record-fault', code: 'NON_FINITE' },
      {
        kind: 'end',
        ending: { outcome: 'failed', code: 'NON_FINITE', message: 'worker a at step 1: no contribution' },
      },
    ]);
  });

  it('ends the run at the second invalid shard without a commit between', () => {
    const machine = Machine.running();
    const invalid = (generation: number) => ({ ...faultOf('a', generation), code: 'SHARD_INVALID' }) as MembershipEvent;
    machine.tell(invalid(1), report('a', 1, initial), report('b', 1, initial));
    machine.formed(2, initial, 'a', 'b');
    expect(machine.tell(invalid(2)).at(-1)).toMatchObject({ kind: 'end', ending: { code: 'SHARD_INVALID' } });
  });

  it('does not try for ever', () => {
    const machine = Machine.running();
    for (let generation = 1; generation < MAX_FRUITLESS_GENERATIONS; generation++) {
      machine.tell(faultOf('a', generation), report('a', generation, initial), report('b', generation, initial));
      machine.formed(generation + 1, initial, 'a', 'b');
    }
    machine.tell(faultOf('a', MAX_FRUITLESS_GENERATIONS));
    const state = undefined;
    machine.tell(report('a', MAX_FRUITLESS_GENERATIONS, state), report('b', MAX_FRUITLESS_GENERATIONS, state));
    expect(machine.state.phase).toMatchObject({ kind: 'ended', ending: { outcome: 'failed' } });
    expect(machine.state.phase.kind === 'ended' && machine.state.phase.ending.message).toContain('no contribution');
  });
});

const allApplied = (step: number): MembershipEvent[] => ['a', 'b'].map((workerId) => applied(workerId, 1, at(step)));

describe('the end', () => {
  it('takes a final checkpoint and stops everybody when the last evaluation is done', () => {
    const machine = Machine.running();
    machine.tell({ kind: 'evaluated', held: at(4) }, ...allApplied(8));
    expect(machine.tell({ kind: 'evaluated', held: at(8) })).toEqual([
      { kind: 'take-checkpoint', workerId: 'a', held: at(8) },
    ]);
    expect(machine.tell({ kind: 'state-saved', workerId: 'a', failure: undefined })).toEqual([
      { kind: 'end', ending: { outcome: 'finished', message: 'all epochs are done' } },
    ]);
  });

  it('waits for those who redo the last steps when those who evaluated are gone before it is recorded', () => {
    const machine = new Machine({ checkpoint: at(6) });
    machine.join('a');
    machine.join('b');
    machine.formed(1, at(6), 'a', 'b');
    expect(machine.tell({ kind: 'evaluated', held: at(8) })).toEqual([]);
    machine.tell(...allApplied(7), ...allApplied(8));
    expect(machine.tell({ kind: 'evaluated', held: at(8) })).toEqual([
      { kind: 'take-checkpoint', workerId: 'a', held: at(8) },
    ]);
  });

  it('asks the next one when the donor dies', () => {
    const machine = Machine.running();
    machine.tell(...allApplied(8), { kind: 'evaluated', held: at(8) });
    expect(machine.tell({ kind: 'closed', workerId: 'a', reason: 'gone' })).toEqual([
      { kind: 'take-checkpoint', workerId: 'b', held: at(8) },
    ]);
  });

  it('is not finished when the last state died with its holders', () => {
    const machine = new Machine({ checkpoint: at(6) });
    machine.join('a');
    machine.join('b');
    machine.formed(1, at(6), 'a', 'b');
    machine.tell(...allApplied(8), { kind: 'evaluated', held: at(8) });
    machine.tell({ kind: 'closed', workerId: 'a', reason: 'gone' }, { kind: 'closed', workerId: 'b', reason: 'gone' });
    expect(machine.state.phase.kind).toBe('gathering');
    expect(machine.join('c')).toMatchObject([{ kind: 'form', start: at(6), work: { kind: 'train', step: 7 } }]);
  });

  it('stops at request with the most advanced state', () => {
    const machine = Machine.running();
    expect(machine.tell({ kind: 'stop-requested', reason: 'enough' })).toMatchObject([
      { kind: 'regroup', reason: 'enough' },
    ]);
    expect(machine.tell(report('a', 1, at(2)), report('b', 1, at(3)))).toEqual([
      { kind: 'take-checkpoint', workerId: 'b', held: at(3) },
    ]);
    expect(machine.tell({ kind: 'state-saved', workerId: 'b', failure: 'disk full' })).toEqual([
      { kind: 'take-checkpoint', workerId: 'a', held: at(2) },
    ]);
    expect(machine.tell({ kind: 'state-saved', workerId: 'a', failure: 'disk full' })).toMatchObject([
      { kind: 'end', ending: { outcome: 'stopped', message: 'enough (without a final checkpoint: disk full)' } },
    ]);
  });

  it('evaluates again what was not complete when the generation ended', () => {
    const machine = Machine.running();
    machine.tell(faultOf('a', 1), report('a', 1, at(4)));
    expect(machine.tell(report('b', 1, at(3)))).toMatchObject([{ work: { kind: 'evaluate', step: 4 } }]);
  });
});
