import { describe, expect, it } from 'vitest';
import type { Clock } from '../clock.js';
import { endWhenSilent, patiently, replicaProblem } from './broker-streams.js';

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

  it('waits while a cluster chooses, and gives up at its limit', async () => {
    const clock = fastClock();
    let calls = 0;
    const failing = patiently({ clock, limitMs: 1_000 }, () => Promise.reject(api((calls += 1) > 0 ? 10_008 : 0)));
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

describe('messages of a consumer', () => {
  const consumed = (types: readonly string[]): Promise<number> =>
    new Promise((resolve) => {
      let closed = 0;
      const status = async function* (): AsyncGenerator<{ readonly type: string }> {
        for (const type of types) yield await Promise.resolve({ type });
        resolve(closed);
      };
      endWhenSilent({
        status,
        close: () => {
          closed += 1;
          resolve(closed);
          return Promise.resolve();
        },
      });
    });

  it('end when their broker is silent, and not before', async () => {
    expect(await consumed(['next', 'heartbeats_missed', 'heartbeats_missed'])).toBe(1);
    expect(await consumed(['next', 'debug'])).toBe(0);
  });
});
