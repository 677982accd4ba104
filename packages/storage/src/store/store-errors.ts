/** What stores say when they cannot do what they are asked. */
import { TrainingError } from '@facet/shared';

/** The same call may succeed later. */
export function unreachable(place: string, reason: string, cause?: unknown): TrainingError {
  return new TrainingError('STORE_UNREACHABLE', `the store ${place} does not answer as it should: ${reason}`, {
    cause,
  });
}

/** The same call will fail again until somebody mends something. */
export function refused(place: string, reason: string, advice: string, cause?: unknown): TrainingError {
  return new TrainingError('STORE_REFUSED', `the store ${place} refuses: ${reason}; ${advice}`, { cause });
}

/** There is no room. */
export function full(place: string, reason: string, cause?: unknown): TrainingError {
  return refused(place, `it is full (${reason})`, 'make room or raise its limit, then resume the run', cause);
}

/** Another process has claimed the ledger. */
export function fenced(place: string): TrainingError {
  return new TrainingError(
    'RUN_LOCKED',
    `another coordinator has taken over the ledger of ${place}; what this one recorded since then does not count`,
  );
}

/** Whether the same call may succeed later. */
export function isTransient(caught: unknown): boolean {
  return caught instanceof TrainingError && caught.code === 'STORE_UNREACHABLE';
}
