/**
 * Applies events one at a time: those that an event causes wait until it is applied. Only consequences of one message wait here,
 * a few at a time.
 *
 * Two things are bugs of ours: too many events that wait, which is a circle that would never end, and an event that cannot be
 * applied. Either becomes an event itself, which says what was found.
 */
import { TrainingError } from '@facet/shared';
import type { Logger } from '@facet/telemetry';

/** One message may have a consequence for every worker, of which there are 4,096 at most. */
const MAX_WAITING = 10_000;

export interface EventQueueOptions<E> {
  readonly apply: (event: E) => void;
  /** Makes the event of a bug from what was found. */
  readonly bug: (found: string) => E;
  readonly log: Pick<Logger, 'error'>;
}

export class EventQueue<E extends { readonly kind: string }> {
  readonly #options: EventQueueOptions<E>;
  #waiting: E[] = [];
  #isApplying = false;

  constructor(options: EventQueueOptions<E>) {
    this.#options = options;
  }

  /**
   * Applies an event and everything that follows from it, or lets it wait when it is itself a consequence.
   *
   * @throws whatever applying the event of a bug throws; after that nothing else can be tried.
   */
  push(event: E): void {
    this.#waiting.push(event);
    if (this.#waiting.length > MAX_WAITING) this.#waiting = [this.#options.bug(describeWaiting(this.#waiting))];
    if (this.#isApplying) return;
    this.#isApplying = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#apply(next);
    } finally {
      this.#isApplying = false;
    }
  }

  #apply(event: E): void {
    const { apply, bug, log } = this.#options;
    try {
      apply(event);
    } catch (caught) {
      log.error({ err: caught, event: event.kind }, 'an event could not be applied');
      apply(bug(`${event.kind}: ${TrainingError.from(caught).message}`));
    }
  }
}

/** `1001 events wait (600 tick, 401 closed)`. */
function describeWaiting(events: readonly { readonly kind: string }[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of events) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const kinds = [...counts].map(([kind, count]) => `${count} ${kind}`);
  return `${events.length} events wait (${kinds.join(', ')})`;
}
