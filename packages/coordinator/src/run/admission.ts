/**
 * Who may join a run, and how far what it says of itself is believed. Words prove nothing: a worker of another run is refused, and
 * only a ticket shows that a worker was a member of a generation or has obeyed a later coordinator.
 */
import type { Hello, Report } from '@facet/proto';
import { TrainingError } from '@facet/shared';
import type { RunKey } from '../secrets/run-key.js';

/** Which run is led, and in which term. */
export interface LedRun {
  readonly name: string;
  readonly key: RunKey;
  readonly term: number;
}

export type Admission =
  /** The generation of which it was a member for sure; 0 when of none. */
  | { readonly kind: 'admitted'; readonly provenGeneration: number }
  /** It obeys a later coordinator and not this one; `isProven` when there is one for sure. */
  | { readonly kind: 'obeys-later'; readonly isProven: boolean; readonly reason: string };

/**
 * Judges a Hello.
 *
 * @throws TrainingError RUN_MISMATCH for a worker that belongs to another run.
 */
export function admit(hello: Hello, { name, key, term }: LedRun): Admission {
  const { workerId, runId } = hello;
  if (runId !== '' && runId !== key.id) {
    throw new TrainingError(
      'RUN_MISMATCH',
      `worker ${workerId} belongs to run ${hello.run} (id ${runId}), this coordinator leads run ${name} (id ${key.id}); ` +
        'a worker serves one run in its life: start another one',
    );
  }
  const ticket = hello.ticket !== null && key.proves(hello.ticket, workerId) ? hello.ticket : undefined;
  if (hello.term <= term) return { kind: 'admitted', provenGeneration: ticket?.generation ?? 0 };
  const reason = `worker ${workerId} has obeyed the coordinator of term ${hello.term}, this one is of term ${term}`;
  return { kind: 'obeys-later', isProven: ticket !== undefined && ticket.term > term, reason };
}

/** Whether a worker that was a member of a generation can know what it reports: nothing in it is of a later one. */
export function isWithin(provenGeneration: number, { generation, recent }: Report): boolean {
  return generation <= provenGeneration && recent.every((done) => done.generation <= provenGeneration);
}

/** Spares beside as many members: enough for a whole new crew to stand ready while the old one leaves. */
const LEAST_SPARES = 64;

export interface Room {
  readonly run: Pick<LedRun, 'name'>;
  readonly connected: ReadonlyMap<string, unknown>;
  /** The most members that a generation has. */
  readonly most: number;
}

/** @throws TrainingError CONFIG_INVALID for a worker that would be one too many: each costs memory and a heartbeat. */
export function requireRoom(workerId: string, { run, connected, most: members }: Room): void {
  const most = members + Math.max(members, LEAST_SPARES);
  if (connected.has(workerId) || connected.size < most) return;
  throw new TrainingError(
    'CONFIG_INVALID',
    `run ${run.name} has ${connected.size} workers, of which ${members} train (workers.max); expected at most ${most}; ` +
      'raise workers.max, or start fewer workers',
  );
}
