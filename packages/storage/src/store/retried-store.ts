/**
 * A store that asks again. A call that may succeed later is repeated with growing pauses, until a limit of time; what the
 * store refuses is not. Every call of the port may be repeated, so nothing here knows what it does.
 */
import { pause, TrainingError, type Clock } from '@facet/shared';
import type { LedgerClaim, ObjectShelf, RunStore } from './run-store.js';
import { isTransient } from './store-errors.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

export interface RetryPolicy {
  readonly clock: Clock;
  /** No new attempt is begun after this time. */
  readonly limitMs: number;
  /** Spreads the attempts of many processes: a value from 0 up to 1. */
  readonly random: () => number;
  /** Called before every pause. */
  readonly onRetry?: (error: TrainingError, attempt: number) => void;
  /** Aborting ends the attempts. */
  readonly signal?: AbortSignal;
}

/**
 * Calls `act` until it succeeds.
 *
 * @throws TrainingError its error if that is not transient, or when the time is over.
 */
export async function retry<T>(policy: RetryPolicy, act: () => Promise<T>): Promise<T> {
  const { clock, limitMs, random, onRetry, signal } = policy;
  const startedMs = clock.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act();
    } catch (caught) {
      if (!isTransient(caught)) throw caught;
      const error = TrainingError.from(caught);
      const spentMs = clock.now() - startedMs;
      const waitMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)) * (0.5 + random() / 2);
      if (signal?.aborted === true) throw error;
      if (spentMs + waitMs > limitMs) {
        const tries = `${attempt} ${attempt === 1 ? 'attempt' : 'attempts'} in ${(spentMs / 1_000).toFixed(1)} s`;
        throw new TrainingError('STORE_UNREACHABLE', `${error.message}; given up after ${tries}`, { cause: caught });
      }
      onRetry?.(error, attempt);
      await pause(clock, waitMs);
    }
  }
}

/** A run of a store whose calls are repeated. The pieces of an object are not: whoever reads them begins again. */
export function retriedRun(store: RunStore, policy: RetryPolicy): RunStore {
  const { place, objects, ledger } = store;
  const again: Again = (act) => retry(policy, act);
  if (store.wrapped !== undefined) return store.wrapped((each) => retriedObjects(each, again));
  return {
    place,
    objects: retriedObjects(objects, again),
    ledger: {
      read: () => ledger.read(),
      claim: async () => retriedClaim(await again(() => ledger.claim()), again),
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

type Again = <T>(act: () => Promise<T>) => Promise<T>;

function retriedObjects(objects: ObjectShelf, again: Again): ObjectShelf {
  return {
    put: (name, content) => again(() => objects.put(name, content)),
    get: (name) => again(() => objects.get(name)),
    list: (prefix) => again(() => objects.list(prefix)),
    remove: (name) => again(() => objects.remove(name)),
  };
}

function retriedClaim(claim: LedgerClaim, again: Again): LedgerClaim {
  return {
    append: (at, bytes) => again(() => claim.append(at, bytes)),
    isHeld: () => again(() => claim.isHeld()),
    release: () => claim.release(),
  };
}
