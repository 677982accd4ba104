import { describe, expect, it, vi } from 'vitest';
import { EventQueue } from './event-queue.js';

interface TestEvent {
  readonly kind: string;
  readonly found?: string;
}

const bug = (found: string): TestEvent => ({ kind: 'bug', found });

/** A queue, with what was applied and what was logged. */
function queueOf(apply: (event: TestEvent, push: (kind: string) => void) => void) {
  const applied: TestEvent[] = [];
  const error = vi.fn();
  const queue = new EventQueue<TestEvent>({
    apply(event) {
      apply(event, push);
      applied.push(event);
    },
    bug,
    log: { error },
  });
  const push = (kind: string): void => {
    queue.push({ kind });
  };
  return { push, applied, error };
}

describe('an event queue', () => {
  it('applies what an event causes after that event, in order', () => {
    const { push, applied } = queueOf(({ kind }, cause) => {
      if (kind.length < 2) for (const next of ['1', '2']) cause(kind + next);
    });
    push('a');
    push('b');
    expect(applied.map(({ kind }) => kind)).toEqual(['a', 'a1', 'a2', 'b', 'b1', 'b2']);
  });

  it('ends a circle of events that grows without end, and says which events waited', () => {
    const { push, applied } = queueOf(({ kind }, cause) => {
      if (kind !== 'bug') for (const next of ['tick', 'tick', 'closed']) cause(next);
    });
    push('tick');
    // Every event leaves two more waiting than before. After 5000 there are 10001, and a third of them is `closed`.
    expect(applied).toHaveLength(5_001);
    expect(applied.at(-1)).toEqual(bug('10001 events wait (6667 tick, 3334 closed)'));
  });

  it('makes a bug of an event that cannot be applied, keeps the stack in the log, and goes on', () => {
    const fault = new Error('no such field');
    const { push, applied, error } = queueOf(({ kind }, cause) => {
      if (kind !== 'bad') return;
      cause('consequence');
      throw fault;
    });
    push('bad');
    push('good');
    expect(applied).toEqual([bug('bad: no such field'), { kind: 'consequence' }, { kind: 'good' }]);
    expect(error.mock.calls).toEqual([[{ err: fault, event: 'bad' }, 'an event could not be applied']]);
  });

  it('throws what the event of a bug throws, and can be used again', () => {
    const { push, applied } = queueOf(({ kind, found }) => {
      if (kind === 'bad') throw new Error('no');
      if (kind === 'bug') throw new Error(`not even ${found}`);
    });
    expect(() => {
      push('bad');
    }).toThrow('not even bad: no');
    push('good');
    expect(applied).toEqual([{ kind: 'good' }]);
  });
});
