import { describe, expect, it } from 'vitest';
import type { Clock } from '../clock.js';
import { ConsumerWatch, patiently, replicaProblem } from './broker-streams.js';

const api = (code: number): Error => new Error('refused', { cause: Object.assign(new Error('api'), { code }) });

describe('too few copies', () => {
  const wish = { url: 'nats://ada:s3cret@a:1', replicas: 3 };

  it.each([
    [10_074, /at nats:\/\/\*\*\*@a:1 is a single server and keeps 1 copy, expected 3 .*set nats\.replicas to 1/],
    [10_005, /fewer servers with JetStream and room than the 3 .*lower nats\.replicas/],
  ])('are named, with what to do (%i)', (code, message) => {
    expect(replicaProblem(api(code), wish)).toMatch(message);
  });

  it('are no problem of another error, or of one copy without room', () => {
    expect(replicaProblem(api(10_059), wish)).toBeUndefined();
    expect(replicaProblem(api(10_005), { ...wish, replicas: 1 })).toBeUndefined();
  });
});

describe('patience', () => {
  /** Every wait passes at once. */
  function fastClock(): Clock & { nowMs: number } {
    return {
      nowMs: 0,
      now() {
        return this.nowMs;
      },
      wallTime: () => '',
      schedule(delayMs, action) {
        this.nowMs += delayMs;
        queueMicrotask(action);
        return () => undefined;
      },
    };
  }

  it.each([10_008, 10_005])('waits while a cluster comes up (%i), and gives up at its limit', async (code) => {
    const clock = fastClock();
    let calls = 0;
    const failing = patiently({ clock, limitMs: 1_000 }, () => Promise.reject(api((calls += 1) > 0 ? code : 0)));
    await expect(failing).rejects.toThrow('refused');
    expect([calls, clock.nowMs]).toEqual([5, 1_000]);
    let left = 2;
    const silent = Object.assign(new Error('timeout'), { name: 'TimeoutError' });
    const answer = patiently({ clock, limitMs: 1_000 }, () =>
      (left -= 1) < 0 ? Promise.resolve('here') : Promise.reject(silent),
    );
    expect(await answer).toBe('here');
  });

  it('is for nothing that will fail again', async () => {
    let calls = 0;
    const act = (): Promise<never> => Promise.reject(api(10_074 + 0 * (calls += 1)));
    await expect(patiently({ clock: fastClock(), limitMs: 1_000 }, act)).rejects.toThrow('refused');
    expect(calls).toBe(1);
  });
});

describe('messages of consumers', () => {
  async function* said(types: readonly string[]): AsyncGenerator<{ readonly type: string }> {
    for (const type of types) yield await Promise.resolve({ type });
  }

  /** Messages whose consumer, and then whose connection, says all that; how often they were closed. */
  async function closings(ofConsumer: readonly string[], ofConnection: readonly string[]): Promise<number> {
    let count = 0;
    let close: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => (close = resolve));
    let isHeard: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => (isHeard = resolve));
    const watch = new ConsumerWatch({
      async *status() {
        await new Promise(setImmediate);
        yield* said(ofConnection);
        isHeard();
      },
    });
    watch.add({
      status: () => said(ofConsumer),
      closed: () => closed,
      close: () => {
        count += 1;
        close();
        return Promise.resolve();
      },
    });
    await heard;
    return count;
  }

  it('end when their server is silent, or the connection is another one, and not before', async () => {
    expect(await closings(['next', 'heartbeats_missed', 'heartbeats_missed'], [])).toBe(1);
    expect(await closings(['next'], ['disconnect', 'reconnect', 'update'])).toBe(1);
    expect(await closings(['next', 'debug'], ['disconnect', 'staleConnection'])).toBe(0);
  });

  it('are forgotten once they have ended', async () => {
    expect(await closings(['heartbeats_missed'], ['reconnect', 'reconnect'])).toBe(1);
  });
});
