import { describe, expect, it } from 'vitest';
import { TrainingError } from '@facet/shared';
import { createCoordinatorSearch } from './coordinator-search.js';
import type { CoordinatorStream } from './coordinator-stream.js';

const stream = {} as CoordinatorStream;

/** Tries so often; returns the addresses in order. */
async function tried(times: number, leader: string | undefined, answering: readonly string[] = []): Promise<string[]> {
  const seen: string[] = [];
  const search = createCoordinatorSearch({
    addresses: ['a:1', 'b:1'],
    leader: () => Promise.resolve(leader),
    open(address) {
      seen.push(address);
      if (answering.includes(address)) return Promise.resolve(stream);
      return Promise.reject(new TrainingError('COORDINATOR_UNREACHABLE', address));
    },
  });
  for (let time = 0; time < times; time++) await search().catch(() => undefined);
  return seen;
}

describe('the search for the coordinator', () => {
  it('takes the addresses in turn while nobody answers', async () => {
    expect(await tried(3, undefined)).toEqual(['a:1', 'b:1', 'a:1']);
  });

  it('begins where the lease says that the leader is', async () => {
    expect(await tried(4, 'c:1')).toEqual(['c:1', 'a:1', 'b:1', 'c:1']);
    expect(await tried(2, 'b:1')).toEqual(['b:1', 'a:1']);
  });

  it('begins again with the leader once somebody has answered', async () => {
    expect(await tried(3, 'c:1', ['a:1'])).toEqual(['c:1', 'a:1', 'c:1']);
  });
});
