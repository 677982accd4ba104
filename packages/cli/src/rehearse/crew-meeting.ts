/**
 * The meetings of one process's members. Those of other processes are known to the rehearsal, which is told how many came here
 * and says when all are there.
 */
import { TrainingError, type WorkItem } from '@facet/shared';
import type { Meeting, MeetingPlace } from '@facet/worker/rehearsal';
import type { WorkPlace } from './crew-messages.js';
import { Gathered } from './gathered.js';

interface Waiting {
  readonly generation: number;
  readonly resolve: () => void;
  readonly reject: (error: TrainingError) => void;
}

export class CrewMeeting implements Meeting {
  readonly #arrivals: Gathered<string, MeetingPlace>;
  readonly #waiting = new Map<string, Set<Waiting>>();
  #lost: { readonly through: number; readonly error: TrainingError } | undefined;
  #newest = 0;

  constructor(tell: (arrival: MeetingPlace & { readonly count: number }) => void) {
    this.#arrivals = new Gathered((_, count, place) => {
      tell({ ...place, count });
    });
  }

  meet(place: MeetingPlace, signal: AbortSignal): Promise<void> {
    const { generation } = place;
    this.#newest = Math.max(this.#newest, generation);
    if (this.#lost !== undefined && generation <= this.#lost.through) return Promise.reject(this.#lost.error);
    if (signal.aborted) return Promise.reject(cancelled(signal));
    const name = nameOf(place);
    const waiting = this.#waiting.get(name) ?? new Set<Waiting>();
    this.#waiting.set(name, waiting);
    return new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        waiting.delete(one);
        reject(cancelled(signal));
      };
      const settled = (settle: () => void): void => {
        signal.removeEventListener('abort', leave);
        settle();
      };
      const one: Waiting = {
        generation,
        resolve: () => {
          settled(resolve);
        },
        reject: (error) => {
          settled(() => {
            reject(error);
          });
        },
      };
      waiting.add(one);
      signal.addEventListener('abort', leave, { once: true });
      this.#arrivals.add(name, place);
    });
  }

  /** All members have come. */
  go(place: WorkPlace): void {
    const name = nameOf(place);
    const waiting = this.#waiting.get(name);
    this.#waiting.delete(name);
    for (const { resolve } of waiting ?? []) resolve();
  }

  /** The generations so far will meet no more. */
  fail(error: TrainingError): void {
    this.#lost = { through: this.#newest, error };
    const waiting = [...this.#waiting.values()].flatMap((some) => [...some]);
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}

function cancelled(signal: AbortSignal): TrainingError {
  return TrainingError.from(signal.reason, 'CANCELLED');
}

export function nameOf({ generation, item: { kind, step } }: { generation: number; item: WorkItem }): string {
  return `${generation}.${kind}.${step}`;
}
