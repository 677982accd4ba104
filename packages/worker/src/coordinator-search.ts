/**
 * Where a worker looks for its coordinator: where the run's lease says that the leader listens, then at the addresses of its command
 * line, in turn. A lease may be old and an address may be wrong: who answers is believed only by its term (membership.ts).
 */
import type { CoordinatorStream } from './coordinator-stream.js';

export interface CoordinatorSearchOptions {
  /** host:port, at least one. */
  readonly addresses: readonly string[];
  /** Where the lease says that the leader is; undefined when nobody says. */
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
