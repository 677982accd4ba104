/**
 * Holds the first Welcomes back for a moment, until all workers that the run waits for have said Hello. A Welcome says how
 * many workers share a host; otherwise the first worker would take all of its cores. Later workers are answered at once.
 */
import type { JoinResponse } from '@facet/proto';
import type { Clock } from '@facet/shared';
import type { JoinSession } from '../grpc/join-session.js';

const HOLD_MS = 500;

export interface GreeterOptions {
  /** Workers that the run waits for. */
  readonly wanted: number;
  readonly clock: Clock;
  /** The Welcome for a worker, as things stand. */
  readonly welcome: (guest: Guest) => JoinResponse;
}

/** A worker that waits for its Welcome. */
export interface Guest {
  readonly session: JoinSession;
  readonly host: string;
}

export class Greeter {
  readonly #options: GreeterOptions;
  #held: Guest[] = [];
  #cancel: (() => void) | undefined;
  #isOpen = false;

  constructor(options: GreeterOptions) {
    this.#options = options;
  }

  /** Answers a worker now or soon. */
  greet(guest: Guest): void {
    const { wanted, clock } = this.#options;
    this.#held.push(guest);
    if (this.#isOpen || this.#held.length >= wanted) this.#answerAll();
    else {
      this.#cancel ??= clock.schedule(HOLD_MS, () => {
        this.#answerAll();
      });
    }
  }

  close(): void {
    this.#cancel?.();
  }

  #answerAll(): void {
    this.#isOpen = true;
    this.#cancel?.();
    const guests = this.#held;
    this.#held = [];
    for (const guest of guests) guest.session.send(this.#options.welcome(guest));
  }
}
