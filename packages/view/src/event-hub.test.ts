import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventHub, type HubLimits, type Listener } from './event-hub.js';

interface Heard {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

class FakeListener implements Listener {
  text = '';
  waiting = 0;
  isCut = false;
  isReading = true;

  write(text: string): void {
    this.text += text;
    if (!this.isReading) this.waiting += text.length;
  }

  unsent(): number {
    return this.waiting;
  }

  cut(): void {
    this.isCut = true;
  }

  heard(): Heard[] {
    return this.text
      .split('\n\n')
      .filter((block) => block !== '')
      .map((block) => {
        const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]));
        return { event: fields.get('event')!, id: fields.get('id'), data: JSON.parse(fields.get('data')!) as unknown };
      });
  }
}

let count = 0;
let status: unknown;

function hubWith(limits: Partial<HubLimits> = {}): EventHub {
  count = 0;
  status = undefined;
  const snapshot = (): { id: string; json: string } => ({ id: `a.${count}`, json: JSON.stringify({ count }) });
  return new EventHub({ snapshot, status: () => status, limits });
}

function publish(hub: EventHub, times = 1): void {
  for (let time = 0; time < times; time++) hub.publish(`a.${++count}`, { n: count });
}

const numbers = (listener: FakeListener): unknown[] =>
  listener
    .heard()
    .filter(({ event }) => event === 'item')
    .map(({ data }) => (data as { n: number }).n);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('the hub of events', () => {
  it('begins with a snapshot and goes on with every item', () => {
    const hub = hubWith();
    publish(hub, 3);
    const listener = new FakeListener();
    hub.attach(listener, undefined);
    publish(hub);
    expect(listener.heard()).toEqual([
      { event: 'snapshot', id: 'a.3', data: { count: 3 } },
      { event: 'item', id: 'a.4', data: { n: 4 } },
    ]);
    hub.close();
    expect(listener.isCut).toBe(true);
  });

  it('tells whoever comes back what it missed, also when the ring has turned', () => {
    const hub = hubWith({ kept: 4 });
    publish(hub, 9);
    for (const [after, expected] of [
      ['a.9', []],
      ['a.7', [8, 9]],
      ['a.6', [7, 8, 9]],
    ] as const) {
      const listener = new FakeListener();
      hub.attach(listener, after);
      expect(numbers(listener)).toEqual(expected);
      expect(listener.text).not.toContain('snapshot');
    }
    hub.close();
  });

  it.each(['a.5', 'a.10', 'b.8', '', 'nonsense'])('begins anew after %s, which is not in the ring', (after) => {
    const hub = hubWith({ kept: 4 });
    publish(hub, 9);
    const listener = new FakeListener();
    hub.attach(listener, after);
    expect(listener.heard()).toEqual([{ event: 'snapshot', id: 'a.9', data: { count: 9 } }]);
    hub.close();
  });

  it('makes one text of an item for all', () => {
    const hub = hubWith();
    const listeners = [new FakeListener(), new FakeListener(), new FakeListener()];
    for (const listener of listeners) hub.attach(listener, undefined);
    const toJSON = vi.fn(() => ({ n: 1 }));
    hub.publish('a.1', { toJSON });
    expect(toJSON).toHaveBeenCalledTimes(1);
    for (const listener of listeners) expect(numbers(listener)).toEqual([1]);
    hub.close();
  });

  it('makes no text while nobody listens', () => {
    const toJSON = vi.fn();
    hubWith().publish('a.1', { toJSON });
    expect(toJSON).not.toHaveBeenCalled();
  });

  it('tells the status once per second and that it is there every 5 s, while somebody listens', () => {
    const hub = hubWith();
    const listener = new FakeListener();
    status = { phase: 'training' };
    hub.attach(listener, undefined);
    vi.advanceTimersByTime(5_000);
    const told = (event: string): number => listener.heard().filter((one) => one.event === event).length;
    expect([told('status'), told('alive')]).toEqual([6, 1]);
    hub.detach(listener);
    vi.advanceTimersByTime(5_000);
    expect(told('status')).toBe(6);
  });

  it('goes on when the status cannot be told', () => {
    const hub = new EventHub({
      snapshot: () => ({ id: 'a.0', json: '{}' }),
      status: () => {
        throw new Error('not now');
      },
    });
    const listener = new FakeListener();
    hub.attach(listener, undefined);
    vi.advanceTimersByTime(5_000);
    expect(listener.heard().map(({ event }) => event)).toEqual(['snapshot', 'alive']);
    hub.close();
  });

  it('cuts a listener that does not read, at once when it is too far behind', () => {
    const hub = hubWith({ unsentBytes: 1_000 });
    const [slow, quick] = [new FakeListener(), new FakeListener()];
    slow.isReading = false;
    hub.attach(slow, undefined);
    hub.attach(quick, undefined);
    publish(hub, 100);
    expect([slow.isCut, quick.isCut]).toEqual([true, false]);
    expect(slow.waiting).toBeLessThan(1_200);
    expect(numbers(quick)).toHaveLength(100);
    expect(hub.listeners).toBe(1);
    hub.close();
  });

  it('cuts a listener that stays behind, however little', () => {
    const hub = hubWith({ behindMs: 3_000 });
    const listener = new FakeListener();
    listener.isReading = false;
    hub.attach(listener, undefined);
    vi.advanceTimersByTime(3_000);
    expect(listener.isCut).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(listener.isCut).toBe(true);
  });

  it('gives a listener time for the snapshot that it began with', () => {
    const hub = new EventHub({
      snapshot: () => ({ id: 'a.0', json: JSON.stringify('x'.repeat(5_000)) }),
      status: () => undefined,
      limits: { unsentBytes: 1_000 },
    });
    const listener = new FakeListener();
    listener.isReading = false;
    hub.attach(listener, undefined);
    hub.publish('a.1', { n: 1 });
    expect(listener.isCut).toBe(false);
    hub.close();
  });
});
