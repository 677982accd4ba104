/**
 * The places where a worker looks for its coordinator: first the leader's address in the run's lease, then the addresses of its
 * command line, in turn. A lease may be old and an address may be wrong, so the worker checks the term of the coordinator that
 * answers (membership.ts).
 */
import type { CoordinatorStream } from './coordinator-stream.js';

export interface CoordinatorSearchOptions {
  /** host:port, at least one. */
  readonly addresses: readonly string[];
  /** The leader's address in the lease; undefined if there is none. */
  readonly leader: () => Promise<string | undefined>;
  /** @throws TrainingError COORDINATOR_UNREACHABLE */
  readonly open: (address: string) => Promise<CoordinatorStream>;
}

/** A function that tries the next place at every call, and begins again with the leader's once one has answered. */
export function createCoordinatorSearch(options: CoordinatorSearchOptions): () => Promise<CoordinatorStream> {
  const { addresses, leader, open } = options;
  let failures = 0;
  return async () => {
    const found = await leader();
    const places = [...new Set([...(found === undefined ? [] : [found]), ...addresses])];
    const at = failures;
    failures += 1;
    const stream = await open(places[at % places.length]!);
    failures = 0;
    return stream;
  };
}
