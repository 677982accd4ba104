/**
 * Wakes the conductor at the next deadline. A process that was busy (or asleep) wakes late, and messages that came meanwhile
 * have not been read yet: a late deadline gets a moment of grace, so that nobody is given up who has spoken.
 */
import type { Clock } from '@facet/shared';

/** A wake-up that comes so late means that this process was busy. */
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

  /** Takes the place of the deadline before; undefined waits for none. */
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
