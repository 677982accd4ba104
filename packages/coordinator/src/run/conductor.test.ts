import { decodePeerList } from '@facet/shared';
import { describe, expect, it, vi } from 'vitest';
import { AssembledRun, type MemorySession } from '../../test/assembled-run.js';
import { fakeCrc } from '../../test/fake-state.js';
import { RunKey } from '../secrets/run-key.js';

const commits = ({ records }: AssembledRun) => records.filter((record) => record.kind === 'commit');

describe('a stream that is no member', () => {
  it.each(['only said Hello', 'waits as a spare'])('can commit, report and end nothing when it %s', (how) => {
    const run = new AssembledRun({ config: { workers: { count: 2, min: 1, max: 2 } } });
    const [a, b] = run.form('a', 'b') as [MemorySession, MemorySession];
    const stranger = run.hello('stranger');
    if (how !== 'only said Hello') run.ready(stranger);
    for (let step = 1; step <= 8; step++) run.say(stranger, 'stepDone', { ...run.stepDone(step, 1), weightsCrc: 1 });
    run.say(stranger, 'report', { ...run.report(1, 8), weightsCrc: 1 });
    run.say(stranger, 'report', run.report(1, 8));
    run.say(stranger, 'evaluationDone', run.evaluationDone(4, 1));
    run.say(stranger, 'formed', { generation: 1, appliedStep: 3, weightsCrc: 1 });
    run.say(stranger, 'fault', { generation: 1, step: 1, code: 'DESYNC', message: 'ha', peerWorkerId: '' });
    run.say(stranger, 'leave', { reason: 'enough' });
    expect(run.kinds()).toEqual(['generation']);
    expect(run.phase).toBe('running');
    for (const session of [a, b]) run.say(session, 'stepDone', run.stepDone(1, 1));
    expect(commits(run)).toMatchObject([{ step: 1, generation: 1 }]);
  });

  it('cannot complete an evaluation in the place of members', () => {
    const run = new AssembledRun();
    const sessions = run.form('a', 'b');
    for (let step = 1; step <= 4; step++)
      for (const member of sessions) run.say(member, 'stepDone', run.stepDone(step, 1));
    const stranger = run.hello('stranger');
    run.say(stranger, 'evaluationDone', run.evaluationDone(4, 1));
    expect(run.kinds()).not.toContain('evaluation');
    run.say(sessions[0]!, 'evaluationDone', run.evaluationDone(4, 1));
    expect(run.kinds()).toContain('evaluation');
  });

  it('cannot bring a state of the run, nor steps that nobody else knows', () => {
    const run = new AssembledRun();
    const [a] = run.form('a', 'b') as [MemorySession, MemorySession];
    run.say(a, 'stepDone', run.stepDone(1, 1));
    const stranger = run.hello('stranger');
    run.ready(stranger, run.report(1, 5));
    expect(commits(run)).toHaveLength(1);
    expect(run.assembly.conductor.membership.workers.get('stranger')).toMatchObject({
      stage: 'ready',
      held: undefined,
    });
  });

  it('is ready once: another Ready changes nothing', () => {
    const run = new AssembledRun();
    const [a] = run.form('a', 'b') as [MemorySession, MemorySession];
    run.ready(a, run.report(1, 5), 'b'.repeat(64));
    expect(a.isEnded).toBe(false);
    expect(commits(run)).toEqual([]);
  });
});

describe('many workers', () => {
  it('get the same bytes as the list of their peers', () => {
    const run = new AssembledRun({ config: { workers: { count: 3, min: 1, max: 3 } } });
    const [a, b, c] = run.form('a', 'b', 'c').map((session) => session.lastTold('form')!);
    expect(decodePeerList(a!.peerList as Buffer)).toEqual(
      ['a', 'b', 'c'].map((workerId, at) => ({ workerId, exchangeAddress: `127.0.0.1:${at + 1}` })),
    );
    expect(b!.peerList).toBe(a!.peerList);
    expect(c!.peerList).toBe(a!.peerList);
  });

  it('put no deadline into the clock with what they say, and one that falls silent is dropped in time', () => {
    const run = new AssembledRun();
    const [a, b] = run.form('a', 'b') as [MemorySession, MemorySession];
    const schedule = vi.spyOn(run.clock, 'schedule');
    for (let step = 1; step <= 3; step++)
      for (const session of [a, b]) {
        run.say(session, 'heartbeat', { step });
        run.say(session, 'stepDone', run.stepDone(step, 1));
      }
    // A commit looks for the next deadline; what members say does not.
    expect(schedule).toHaveBeenCalledTimes(3);
    for (let i = 0; i < 9; i++) {
      run.clock.advance(100);
      run.say(a, 'heartbeat', { step: 3 });
    }
    expect(b.isEnded).toBe(false);
    run.clock.advance(100);
    expect([a.isEnded, b.isEnded]).toEqual([false, true]);
  });

  it('are refused when they would be more spares than members, and at least 64', () => {
    const run = new AssembledRun({ config: { workers: { count: 2, min: 1, max: 2 } } });
    const first = run.hello('w0', { pid: 1 });
    for (let index = 1; index < 66; index++) run.hello(`w${index}`);
    expect(() => run.hello('one-more')).toThrow(
      'run tiny has 66 workers, of which 2 train (workers.max); expected at most 66; raise workers.max, or start fewer workers',
    );
    run.lose(first);
    run.hello('one-more');
  });
});

describe('a member', () => {
  it('commits what the generation did when it reports after a regroup', () => {
    const run = new AssembledRun();
    const [a, b] = run.form('a', 'b') as [MemorySession, MemorySession];
    run.lose(b);
    expect(a.lastTold('regroup')).toMatchObject({ generation: 1 });
    run.say(a, 'report', run.report(1, 2));
    expect(commits(run)).toMatchObject([{ step: 1 }, { step: 2 }]);
    expect(a.lastTold('form')).toMatchObject({ generation: 2, stateSource: 'STATE_SOURCE_KEEP', step: 3 });
  });

  it('whose stream was lost comes back with its state, by its ticket', () => {
    const run = new AssembledRun();
    const [a, b] = run.form('a', 'b') as [MemorySession, MemorySession];
    const ticket = a.lastTold('form')!.ticket!;
    for (const session of [a, b]) run.lose(session);
    const again = run.hello('a', { run: 'tiny', runId: run.key.id, ticket: ticket as never, pid: 1 });
    run.ready(again, run.report(1, 3));
    expect(commits(run)).toHaveLength(3);
  });

  it('of an earlier coordinator is believed by the next one, as far as its ticket goes', () => {
    const key = new RunKey(RunKey.random());
    const records = [{ kind: 'run' } as never];
    const ticket = key.ticket({ term: 1, generation: 3, workerId: 'a' }) as never;
    const run = new AssembledRun({ key, records });
    run.ready(run.hello('a', { ticket }), run.report(3, 2));
    expect(commits(run)).toMatchObject([
      { step: 1, generation: 3 },
      { step: 2, generation: 3 },
    ]);

    const other = new AssembledRun({ key, records });
    other.ready(other.hello('a', { ticket }), run.report(4, 2));
    other.ready(other.hello('b', { ticket }), run.report(3, 2));
    expect(commits(other)).toEqual([]);
  });

  it('of a generation that is over commits by its report alone', () => {
    const run = new AssembledRun();
    const [a, b] = run.form('a', 'b') as [MemorySession, MemorySession];
    run.lose(b);
    run.say(a, 'stepDone', run.stepDone(1, 1));
    expect(commits(run)).toEqual([]);
    run.say(a, 'report', run.report(1, 1));
    expect(commits(run)).toHaveLength(1);
    run.say(a, 'report', run.report(1, 2));
    expect(commits(run)).toHaveLength(1);
  });

  it('that holds other weights than were committed ends the run', () => {
    const run = new AssembledRun();
    const [a, b] = run.form('a', 'b') as [MemorySession, MemorySession];
    run.say(a, 'stepDone', run.stepDone(1, 1));
    run.say(b, 'stepDone', { ...run.stepDone(1, 1), weightsCrc: 5 });
    expect(run.ending).toMatchObject({ outcome: 'failed', code: 'DESYNC' });
    expect(run.ending?.message).toContain('worker b (rank 1) has 00000005');
  });
});

describe('a worker of another run', () => {
  it('is refused, with the names of both', () => {
    const run = new AssembledRun();
    expect(() => run.hello('a', { run: 'old', runId: 'f'.repeat(16), term: 9 })).toThrow(
      `worker a belongs to run old (id ${'f'.repeat(16)}), this coordinator leads run tiny (id ${run.key.id})`,
    );
    expect(run.fences).toEqual([]);
  });

  it('is refused too when the runs have one name', () => {
    const run = new AssembledRun();
    const hello = { run: 'tiny', runId: new RunKey(RunKey.random()).id };
    expect(() => run.hello('a', hello)).toThrow(expect.objectContaining({ code: 'RUN_MISMATCH' }));
  });
});

describe('a worker that has seen a later term', () => {
  const later = { term: 5, generation: 2, workerId: 'a' };

  it('fences this coordinator with a ticket of that term', () => {
    const run = new AssembledRun();
    const session = run.hello('a', { term: 5, ticket: run.key.ticket(later) });
    expect(session.isEnded).toBe(true);
    expect(run.fences).toEqual(['worker a has obeyed the coordinator of term 5, this one is of term 1']);
  });

  it('fences nobody by its word', () => {
    const run = new AssembledRun();
    for (const ticket of [null, new RunKey(RunKey.random()).ticket(later), run.key.ticket({ ...later, term: 1 })])
      expect(run.hello('a', { term: 5, ticket: ticket as never }).isEnded).toBe(true);
    expect(run.fences).toEqual([]);
  });
});

describe('a program', () => {
  const wrong = 'b'.repeat(64);

  it('that came first binds nobody once its worker is gone', () => {
    const run = new AssembledRun();
    const first = run.hello('first');
    run.ready(first, null, wrong);
    const honest = run.hello('honest');
    expect(() => {
      run.ready(honest);
    }).toThrow(/program differs/);
    run.lose(first);
    const again = run.hello('again');
    run.ready(again);
    expect(run.assembly.conductor.membership.workers.get('again')?.stage).toBe('ready');
  });

  it('that computed a step binds everybody, also when its workers are gone', () => {
    const run = new AssembledRun();
    const sessions = run.form('a', 'b');
    run.say(sessions[0]!, 'stepDone', run.stepDone(1, 1));
    for (const session of sessions) run.lose(session);
    expect(() => {
      run.ready(run.hello('c'), null, wrong);
    }).toThrow(/program differs: worker c built bbbbbbbbbbbb, worker a aaaaaaaaaaaa/);
    expect(run.assembly.directory.layout).toHaveLength(2);
  });
});

describe('a member that leaves', () => {
  it('has a record of its last generation', () => {
    const run = new AssembledRun();
    const [a, b] = run.form('a', 'b') as [MemorySession, MemorySession];
    run.say(b, 'leave', { reason: 'a signal' });
    expect(a.lastTold('drain')).toMatchObject({ lastStep: 2 });
    for (const step of [1, 2]) for (const session of [a, b]) run.say(session, 'stepDone', run.stepDone(step, 1));
    for (const session of [a, b]) run.say(session, 'report', run.report(1, 2));
    expect(run.records.filter(({ kind }) => kind === 'leave')).toMatchObject([{ workerId: 'b', generation: 1 }]);
    expect(a.lastTold('form')).toMatchObject({ generation: 2, stateWeightsCrc: fakeCrc(2) });
  });
});

describe('a bug of ours', () => {
  it('ends the run, and not the process, when an event cannot be applied', () => {
    const run = new AssembledRun();
    run.ready(run.hello('a'));
    const b = run.hello('b');
    b.send = (response) => {
      if (response.form) throw new Error('no such field');
    };
    run.ready(b);
    expect(run.ending).toMatchObject({
      outcome: 'failed',
      code: 'INTERNAL',
      message: 'ready: no such field; report this as a bug, then resume',
    });
  });

  it('does not keep a run from its end when a worker cannot be told of it', () => {
    const run = new AssembledRun();
    const [a, b] = run.form('a', 'b') as [MemorySession, MemorySession];
    for (const session of [a, b]) {
      session.send = (response) => {
        if (response.stop) throw new Error('no such field');
      };
    }
    run.say(a, 'stepDone', run.stepDone(1, 1));
    run.say(b, 'stepDone', { ...run.stepDone(1, 1), weightsCrc: 5 });
    expect(run.ending).toMatchObject({ outcome: 'failed', code: 'DESYNC' });
  });

  it('is named with the events that waited when they are too many', () => {
    const run = new AssembledRun();
    const { conductor } = run.assembly;
    const a = run.hello('a');
    run.ready(a);
    const b = run.hello('b');
    b.send = () => {
      for (let i = 0; i < 6_000; i++) {
        conductor.dispatch({ kind: 'tick' });
        conductor.dispatch({ kind: 'heard', workerId: 'a' });
      }
    };
    run.ready(b);
    expect(run.ending?.message).toMatch(/^10001 events wait \(5001 tick, 5000 heard\); report this as a bug/);
  });
});

describe('a run that ends early', () => {
  it('ends once, though another generation evaluates the same epoch while its end is being written', async () => {
    let isDurable: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => (isDurable = resolve));
    const run = new AssembledRun({
      config: { stopWhen: ['accuracy>=0'], epochs: 3 },
      durable: ({ kind }) => (kind === 'evaluation' || kind === 'change' ? slow : Promise.resolve()),
    });
    const [a, b] = run.form('a', 'b') as [MemorySession, MemorySession];
    for (let step = 1; step <= 4; step++)
      for (const member of [a, b]) run.say(member, 'stepDone', run.stepDone(step, 1));
    run.say(a, 'evaluationDone', run.evaluationDone(4, 1));
    run.lose(b);
    run.say(a, 'report', run.report(1, 4));
    expect(a.lastTold('form')).toMatchObject({ generation: 2 });
    run.confirm([a], 4);
    run.say(a, 'evaluationDone', run.evaluationDone(4, 2));
    isDurable();
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    expect(run.records.filter(({ kind }) => kind === 'change')).toHaveLength(1);
  });
});
