/**
 * Applies events one at a time: those that an event causes wait until it is applied. Only consequences of one message wait here,
 * a few at a time. More of them is a circle of events that would never end: they are dropped, and the last word is `overflow`'s.
 */
const MAX_WAITING = 1_000;

export interface EventQueueOptions<E> {
  readonly apply: (event: E) => void;
  /** Makes the event that is applied in place of those that were too many. */
  readonly overflow: (dropped: readonly E[]) => E;
}

export class EventQueue<E> {
  readonly #options: EventQueueOptions<E>;
  #waiting: E[] = [];
  #isApplying = false;

  constructor(options: EventQueueOptions<E>) {
    this.#options = options;
  }

  /** Applies an event and everything that follows from it, or lets it wait when it is itself a consequence. */
  push(event: E): void {
    this.#waiting.push(event);
    if (this.#waiting.length > MAX_WAITING) this.#waiting = [this.#options.overflow(this.#waiting)];
    if (this.#isApplying) return;
    this.#isApplying = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
        this.#options.apply(next);
    } finally {
      this.#isApplying = false;
    }
  }
}
