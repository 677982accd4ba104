/**
 * How long a worker may be silent, by what was measured. On a quiet machine the limit is `timeouts.heartbeatMs`. On a busy one
 * all processes pause, and a limit that is right elsewhere would drop workers that are well. So the limit follows the longest
 * silence from which a worker came back, within bounds: a worker that is frozen is dropped all the same.
 */

/** A pause may be so many times as long as the longest one lately. */
const MARGIN = 2;
/** The limit is at most so many times its least value. It must be less than a connection lasts whose other end is silent. */
const MOST = 3;
/** What was measured counts for one to two of these. */
const PERIOD_MS = 60_000;

export class SilenceLimit {
  readonly #leastMs: number;
  #periodStartMs = 0;
  #longestMs = 0;
  #longestBeforeMs = 0;

  /** @param leastMs the limit while nothing longer was measured */
  constructor(leastMs: number) {
    this.#leastMs = leastMs;
  }

  /** A worker came back after a silence. */
  note(silentMs: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#longestMs = Math.max(this.#longestMs, silentMs);
  }

  /** The limit now. */
  limitMs(nowMs: number): number {
    this.#turn(nowMs);
    const wantedMs = MARGIN * Math.max(this.#longestMs, this.#longestBeforeMs);
    return Math.round(Math.min(Math.max(wantedMs, this.#leastMs), MOST * this.#leastMs));
  }

  /** Forgets what is older than two periods. */
  #turn(nowMs: number): void {
    const periods = Math.floor((nowMs - this.#periodStartMs) / PERIOD_MS);
    if (periods < 1) return;
    this.#longestBeforeMs = periods === 1 ? this.#longestMs : 0;
    this.#longestMs = 0;
    this.#periodStartMs += periods * PERIOD_MS;
  }
}
