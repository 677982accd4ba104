import { describe, expect, it } from 'vitest';
import { EventQueue } from './event-queue.js';

describe('an event queue', () => {
  it('applies what an event causes after that event, in order', () => {
    const applied: number[] = [];
    const queue = new EventQueue<number>({
      apply(event) {
        if (event < 3) for (const next of [event * 10 + 1, event * 10 + 2]) queue.push(next);
        applied.push(event);
      },
      overflow: () => -1,
    });
    queue.push(1);
    queue.push(2);
    expect(applied).toEqual([1, 11, 12, 2, 21, 22]);
  });

  it('ends a circle of events that grows without end, and drops what waits', () => {
    let applied = 0;
    let dropped = 0;
    const queue = new EventQueue<string>({
      apply(event) {
        applied += 1;
        if (event === 'circle') for (const next of ['circle', 'circle']) queue.push(next);
      },
      overflow(events) {
        dropped = events.length;
        return 'end';
      },
    });
    queue.push('circle');
    expect(dropped).toBe(1_001);
    expect(applied).toBeLessThan(2_000);
  });

  it('goes on after an event that could not be applied', () => {
    const applied: string[] = [];
    const queue = new EventQueue<string>({
      apply(event) {
        if (event === 'bad') throw new Error('no');
        applied.push(event);
      },
      overflow: () => 'end',
    });
    expect(() => {
      queue.push('bad');
    }).toThrow('no');
    queue.push('good');
    expect(applied).toEqual(['good']);
  });
});
