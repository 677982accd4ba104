import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { evenSplit, rangeOfRank, splitByShares, type WorkSplit } from '@facet/shared';
import { gradientFormat } from '../formats/gradient-format.js';
import { createPartialSums } from '../partial-sums.js';
import { chunkOf, scheduleBuckets, shareOf, type Slice } from './buckets.js';
import { groupSizeOf } from './groups.js';
import { subtreesOf } from './reduction-tree.js';

const PLAIN = gradientFormat({ name: 'fp32', exactFrom: 0, seed: 1 });

/** Even, or whatever shares; some ranks may have none. */
const anySplit = (most: number): fc.Arbitrary<WorkSplit> =>
  fc.oneof(
    fc.integer({ min: 1, max: most }).map(evenSplit),
    fc
      .array(fc.nat(9), { minLength: 1, maxLength: most })
      .filter((shares) => shares.some((share) => share > 0))
      .map(splitByShares),
  );

describe('the schedule', () => {
  it('covers every micro-batch exactly once by the sub-trees of all ranks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), anySplit(20), (microBatches, split) => {
        const seen = new Array<number>(microBatches).fill(0);
        for (let rank = 0; rank + 1 < split.length; rank++) {
          for (const { level, index } of subtreesOf(rangeOfRank(microBatches, split, rank), microBatches)) {
            for (let k = index * 2 ** level; k < Math.min((index + 1) * 2 ** level, microBatches); k++) seen[k]!++;
          }
        }
        expect(seen.every((count) => count === 1)).toBe(true);
      }),
    );
  });

  it('is what folding the micro-batches one by one ends with', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), anySplit(9), async (microBatches, split) => {
        const sums = createPartialSums({ length: 1, format: PLAIN });
        for (let rank = 0; rank + 1 < split.length; rank++) {
          const range = rangeOfRank(microBatches, split, rank);
          sums.begin(1, range, microBatches);
          for (let k = range.start; k < range.end; k++) await sums.add(k, Float32Array.of(1));
          expect((await sums.finish()).map((partial) => partial.subtree)).toEqual(subtreesOf(range, microBatches));
        }
      }),
    );
  });

  it('gives every element of every bucket one owner per group, and one in the world, or all of them', () => {
    fc.assert(
      fc.property(
        fc.record({
          length: fc.nat(3_000),
          groupSize: fc.integer({ min: 1, max: 8 }),
          groups: fc.integer({ min: 1, max: 5 }),
          bucketBytes: fc.integer({ min: 4, max: 4_000 }),
          alignment: fc.constantFrom(1, 256),
          replicatedBytes: fc.constantFrom(0, 4_000),
        }),
        ({ groups, ...options }) => {
          const worldSize = groups * options.groupSize;
          const schedule = scheduleBuckets({ ...options, worldSize });
          const [ownShares, ownChunks] = [new Uint8Array(options.length), new Uint8Array(options.length)];
          const count = (owned: Uint8Array, { start, end }: Slice): void => {
            expect(start % options.alignment).toBe(0);
            for (let i = start; i < end; i++) owned[i]!++;
          };
          schedule.buckets.forEach((_, bucket) => {
            for (let owner = 0; owner < worldSize; owner++) {
              count(ownShares, shareOf(schedule, bucket, owner));
              count(ownChunks, chunkOf(schedule, bucket, owner));
            }
          });
          const isReplicated = schedule.ownership === 'replicated';
          expect(new Set(ownShares)).toEqual(
            new Set(options.length === 0 ? [] : [isReplicated ? worldSize : worldSize / schedule.groupSize]),
          );
          expect(new Set(ownChunks)).toEqual(new Set(options.length === 0 ? [] : [isReplicated ? worldSize : 1]));
        },
      ),
    );
  });

  it('refuses groups that do not divide the world', () => {
    expect(() => scheduleBuckets({ length: 10, worldSize: 6, groupSize: 4, bucketBytes: 64 })).toThrow(
      'groups of 4 do not divide 6 ranks',
    );
  });

  it.each([
    ['workers of one host', 'aaaa', 0, 4],
    ['as many on every host', 'aabbcc', 0, 2],
    ['more on one host than on another', 'aaabbc', 0, 6],
    ['a host whose workers are apart', 'aabbaa', 0, 6],
    ['one worker on each host', 'abcd', 0, 4],
    ['a wish', 'abcdef', 3, 3],
    ['a wish that does not divide the world', 'abcdef', 4, 6],
    ['a wish for none', 'aabb', 1, 4],
  ])('makes groups of %s', (_, hosts, wish, expected) => {
    expect(groupSizeOf([...hosts], wish)).toBe(expected);
  });
});
