/**
 * Wakes the conductor at the next deadline. A process that was busy or asleep wakes late, and has not yet read the messages
 * that came meanwhile. So a late deadline is put off a little, and no worker is dropped whose message is waiting.
 */
import type { Clock } from '@facet/shared';

/** If a wake-up comes this late, the process was busy. */
const LATE_MS = 200;

export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #cancel: () => void = () => undefined;
  #lateSinceMs: number | undefined;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Replaces the earlier deadline; undefined removes it. */
  set(deadlineMs: number | undefined): void {
    this.#cancel();
    if (deadlineMs === undefined) return;
    this.#cancel = this.#clock.schedule(deadlineMs - this.#clock.now(), () => {
      this.#wake(deadlineMs);
    });
  }

  #wake(deadlineMs: number): void {
    const nowMs = this.#clock.now();
    const isLate = nowMs - deadlineMs > LATE_MS;
    if (isLate && this.#lateSinceMs === undefined) this.#lateSinceMs = nowMs;
    const graceMs = this.#lateSinceMs === undefined ? 0 : this.#lateSinceMs + LATE_MS - nowMs;
    if (graceMs > 0) {
      this.#cancel = this.#clock.schedule(graceMs, () => {
        this.#wake(deadlineMs);
      });
      return;
    }
    this.#lateSinceMs = undefined;
    this.#onDue();
  }
}
