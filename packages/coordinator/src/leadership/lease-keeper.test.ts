import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock, UNKNOWN_LEASE_ENTRY, type LeaseEntry } from '@facet/shared';
import { createLogger } from '@facet/telemetry';
import { LeaseKeeper } from './lease-keeper.js';
import type { LeaseReading, LeaseStore, StoredLease } from './lease-store.js';

const policy = { durationMs: 300 };

/** A store in memory that can be away. */
class MemoryStore implements LeaseStore {
  stored: StoredLease | undefined;
  isAway = false;
  #last = 0;
  #lives = 1;

  async read(): Promise<LeaseReading> {
    if (this.isAway) return Promise.reject(new Error('timeout'));
    return Promise.resolve({ held: this.stored, mark: `${this.stored?.revision ?? 0}@${this.#lives}` });
  }

  async write(entry: LeaseEntry, over: number): Promise<number | undefined> {
    if (this.isAway) return Promise.reject(new Error('timeout'));
    if ((this.stored?.revision ?? 0) !== over) return Promise.resolve(undefined);
    this.#last += 1;
    this.stored = { entry, revision: this.#last };
    return Promise.resolve(this.#last);
  }

  forget(): void {
    this.stored = undefined;
    this.#last = 0;
    this.#lives += 1;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const signal = new AbortController().signal;
const onHeld = (): void => undefined;
let store: MemoryStore;
let dead: readonly string[];

function keeperOf(holder: string): LeaseKeeper {
  return new LeaseKeeper({
    store,
    policy,
    self: { holder, host: 'here', pid: 1 },
    isDead: (entry) => dead.includes(entry.holder),
    clock: { ...systemClock, now: () => Date.now() },
    log: createLogger('test', 'silent'),
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  store = new MemoryStore();
  dead = [];
});

afterEach(() => {
  vi.useRealTimers();
});

/** The first keeper leads. */
async function leading(onLost: (reason: string) => void = () => undefined): Promise<LeaseKeeper> {
  const keeper = keeperOf('a');
  await keeper.acquire({ isFirst: true, hasLed: () => Promise.resolve(false), onHeld, signal });
  keeper.lead('a:1', onLost);
  await vi.advanceTimersByTimeAsync(1);
  return keeper;
}

describe('a keeper', () => {
  it('keeps the lease when the store misses a renewal, and asks again before it ends', async () => {
    const losses: string[] = [];
    const keeper = await leading((reason) => losses.push(reason));
    store.isAway = true;
    await vi.advanceTimersByTimeAsync(200);
    store.isAway = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(losses).toEqual([]);
    expect(keeper.isHeld).toBe(true);
  });

  it('renews the lease for as long as it leads, and says where', async () => {
    const keeper = await leading();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(keeper.isHeld).toBe(true);
    expect(store.stored?.entry).toMatchObject({ holder: 'a', address: 'a:1', isFree: false });
  });

  it('loses it when the store is away for as long as the lease lasts, and gets it again when it is back', async () => {
    const lost = vi.fn();
    const keeper = await leading(lost);
    store.isAway = true;
    await vi.advanceTimersByTimeAsync(301);
    expect(keeper.isHeld).toBe(false);
    expect(lost.mock.calls).toEqual([[expect.stringMatching(/could not be renewed for 3\d\d ms/)]]);
    const again = keeper.acquire({ isFirst: false, hasLed: () => Promise.resolve(false), onHeld, signal });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(keeper.isHeld).toBe(false);
    store.isAway = false;
    await vi.advanceTimersByTimeAsync(100);
    await again;
    expect(keeper.isHeld).toBe(true);
  });

  it('keeps it when the store comes back empty within the lease', async () => {
    const lost = vi.fn();
    const keeper = await leading(lost);
    store.forget();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(keeper.isHeld).toBe(true);
    expect(store.stored?.entry.holder).toBe('a');
    expect(lost).not.toHaveBeenCalled();
  });

  it('hands it over at once when it gives it back, or when its process is known to be dead', async () => {
    for (const leave of [(keeper: LeaseKeeper) => keeper.release(), () => Promise.resolve(void (dead = ['a']))]) {
      store.forget();
      const keeper = await leading();
      const other = keeperOf('b');
      const taking = other.acquire({ isFirst: false, hasLed: () => Promise.resolve(false), onHeld, signal });
      await vi.advanceTimersByTimeAsync(200);
      expect(other.isHeld).toBe(false);
      await leave(keeper);
      await vi.advanceTimersByTimeAsync(20);
      await taking;
      expect(other.isHeld).toBe(true);
      await other.release();
    }
  });

  it('takes the lease of a run that has begun from a store that has forgotten it, after the usual wait', async () => {
    for (const hasLed of [true, false]) {
      store.forget();
      const keeper = keeperOf('b');
      const giveUp = new AbortController();
      const taking = keeper.acquire({
        isFirst: false,
        hasLed: () => Promise.resolve(hasLed),
        onHeld,
        signal: giveUp.signal,
      });
      taking.catch(() => undefined);
      await vi.advanceTimersByTimeAsync(policy.durationMs);
      expect(keeper.isHeld).toBe(false);
      await vi.advanceTimersByTimeAsync(policy.durationMs);
      expect(keeper.isHeld).toBe(hasLed);
      giveUp.abort();
      await keeper.release();
    }
  });

  it('tells one that was replaced, who has taken it', async () => {
    const lost = vi.fn();
    await leading(lost);
    store.stored = { entry: { ...store.stored!.entry, holder: 'b', pid: 7 }, revision: 99 };
    await vi.advanceTimersByTimeAsync(101);
    expect(lost.mock.calls).toEqual([['process 7 on here has taken it']]);
  });

  it('writes over what no coordinator of the run wrote, and leads on', async () => {
    const lost = vi.fn();
    const keeper = await leading(lost);
    for (let revision = 99; revision < 102; revision++) {
      store.stored = { entry: UNKNOWN_LEASE_ENTRY, revision, unreadable: 'it is not signed', isForged: true };
      await vi.advanceTimersByTimeAsync(101);
      expect(store.stored.entry.holder).toBe('a');
    }
    expect(lost).not.toHaveBeenCalled();
    expect(keeper.isHeld).toBe(true);
  });

  it('waits anew after somebody was faster, although the store forgot that too', async () => {
    await store.write({ ...UNKNOWN_LEASE_ENTRY, holder: 'gone' }, 0);
    const keeper = keeperOf('b');
    const taking = keeper.acquire({ isFirst: false, hasLed: () => Promise.resolve(false), onHeld, signal });
    await vi.advanceTimersByTimeAsync(15);
    const write = vi.spyOn(store, 'write').mockResolvedValueOnce(undefined);
    await vi.waitFor(() => {
      expect(write).toHaveBeenCalledOnce();
    });
    await vi.advanceTimersByTimeAsync(policy.durationMs);
    expect(write).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(policy.durationMs);
    await taking;
    expect(keeper.isHeld).toBe(true);
  });

  it('takes the place of an entry that it cannot read, after the usual wait, and says what it saw', async () => {
    const unreadable = "the lease in the broker is 'garbage'";
    await store.write(UNKNOWN_LEASE_ENTRY, 0);
    store.stored = { ...store.stored!, unreadable };
    const keeper = keeperOf('b');
    const seen = vi.fn();
    const taking = keeper.acquire({ isFirst: true, hasLed: () => Promise.resolve(false), onHeld: seen, signal });
    await vi.advanceTimersByTimeAsync(policy.durationMs);
    expect(keeper.isHeld).toBe(false);
    expect(seen).toHaveBeenCalledWith(expect.objectContaining({ unreadable }), expect.any(Number));
    await vi.advanceTimersByTimeAsync(policy.durationMs);
    await taking;
    expect(keeper.isHeld).toBe(true);
  });
});
