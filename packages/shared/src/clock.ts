/**
 * The clock of a process: a monotonic time for deadlines, the wall time for records, and one way to be called later.
 * Code that waits for time to pass takes a clock as an argument, so that tests and the simulation can pass their own.
 */

export interface Clock {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** ISO time in UTC. */
  wallTime(): string;
  /** Calls `action` once after `delayMs`, unless the returned function is called first. */
  schedule(delayMs: number, action: () => void): () => void;
}

/** Longest delay that a Node timer takes. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => new Date().toISOString(),
  schedule(delayMs, action) {
    const timer = setTimeout(action, Math.min(Math.max(delayMs, 0), MAX_DELAY_MS));
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Resolves after `delayMs`. */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(delayMs, resolve);
  });
}

/** Calls `action` every `everyMs` from now on, until the returned function is called. */
export function repeat(clock: Clock, everyMs: number, action: () => void): () => void {
  let cancel = (): void => undefined;
  const next = (): void => {
    cancel = clock.schedule(everyMs, () => {
      next();
      action();
    });
  };
  next();
  return () => {
    cancel();
  };
}
