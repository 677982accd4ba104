/**
 * The clock of the coordinator: a monotonic time for deadlines, the wall time for records, and one way to be called
 * later. Tests bring their own.
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
