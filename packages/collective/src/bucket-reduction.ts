/**
 * One bucket of one step on one rank. It adds its group's contributions to its share. If there are other groups, it then adds
 * theirs to its chunk of that share. Both results go back the way the contributions came. Contributions to other ranks'
 * shares have been sent before.
 */
import { rangeOfRank } from '@facet/shared';
import type { GradientFormat } from './formats/gradient-format.js';
import type { FrameHeader, FrameKind } from './frame.js';
import {
  chunkOf,
  crossPeers,
  groupPeers,
  lengthOf,
  shareOf,
  sliceOf,
  type BucketSchedule,
  type Slice,
} from './schedule/buckets.js';
import {
  combine,
  rootOf,
  subtreeKey,
  subtreesOf,
  subtreesOfGroup,
  type Operand,
  type PartialSum,
  type Subtree,
} from './schedule/reduction-tree.js';

/** One contribution, which is sent in as many frames as it takes. */
export type ContributionHeader = Omit<FrameHeader, 'offset' | 'format' | 'count'>;

export interface BucketReduction {
  readonly schedule: BucketSchedule;
  readonly format: GradientFormat;
  readonly rank: number;
  /** Of the step. */
  readonly microBatches: number;
  readonly common: Pick<FrameHeader, 'run' | 'generation' | 'step' | 'bucket'>;
  /** Says where values of a peer are wanted, before they are waited for. */
  readonly expect: (from: number, header: ContributionHeader, place: Float32Array) => void;
  /** Waits until so many values have come from a peer; they may be overwritten. */
  readonly wait: (from: number, header: ContributionHeader, length: number) => Promise<Float32Array>;
  /** What came has been used up. */
  readonly reuse: (from: number, header: ContributionHeader) => void;
  readonly send: (to: number, header: ContributionHeader, values: Float32Array) => Promise<void>;
}

interface Sum extends Operand {
  readonly subtree: Subtree;
}

interface Addition {
  readonly kind: 'partial' | 'group-partial';
  readonly slice: Slice;
  readonly own: readonly Sum[];
  /** Which sub-trees each peer contributes. */
  readonly others: readonly { readonly peer: number; readonly subtrees: readonly Subtree[] }[];
  /** What is wanted. */
  readonly tops: readonly Subtree[];
}

/** @param output receives the bucket's part of the sum; resolves when it has, and everything is sent */
export async function reduceBucket(
  options: BucketReduction,
  partials: readonly PartialSum[],
  output: Float32Array,
): Promise<void> {
  const { schedule, format, rank, microBatches, common, expect, wait, reuse, send } = options;
  const { bucket, step } = common;
  const { split, groupSize, ownership } = schedule;
  const [share, chunk] = [shareOf(schedule, bucket, rank), chunkOf(schedule, bucket, rank)];
  const [group, cross] = [groupPeers(schedule, rank), crossPeers(schedule, rank)];
  const root = rootOf(microBatches);
  const ofGroup = (peer: number): Subtree[] => subtreesOfGroup(microBatches, split, groupSize, peer);

  /** Waits for the others and adds along the tree; what is the sum of everything is in the output then. */
  const add = async ({ kind, slice, own, others, tops }: Addition): Promise<Sum[]> => {
    const operands = new Map<string, Operand>(own.map((sum) => [subtreeKey(sum.subtree), sum]));
    const waits = others.flatMap(({ peer, subtrees }) =>
      subtrees.map((subtree) => ({ peer, header: { ...common, kind, owner: rank, subtree } })),
    );
    await Promise.all(
      waits.map(async ({ peer, header }) => {
        const values = await wait(peer, header, lengthOf(slice));
        operands.set(subtreeKey(header.subtree), { values, isFree: true });
      }),
    );
    const tree = {
      microBatches,
      operandOf: (subtree: Subtree) => operands.get(subtreeKey(subtree)),
      round: (values: Float32Array, subtree: Subtree) => {
        format.round(values, slice.start, { step, ...subtree });
      },
    };
    if (tops.length !== 1 || subtreeKey(tops[0]!) !== subtreeKey(root))
      return tops.map((subtree) => ({ subtree, ...combine(subtree, tree) }));
    const target = output.subarray(slice.start, slice.end);
    const { values } = combine(root, { ...tree, output: target });
    if (values !== target) target.set(values);
    for (const { peer, header } of waits) reuse(peer, header);
    return [{ subtree: root, values: target, isFree: false }];
  };

  const give = (kind: FrameKind, peers: readonly number[], slice: Slice): Promise<unknown> => {
    const values = output.subarray(slice.start, slice.end);
    return Promise.all(peers.map((peer) => send(peer, { ...common, kind, owner: rank, subtree: root }, values)));
  };

  /** What peers send back, and where in the output it belongs. */
  const reducedBy = (kind: FrameKind, peers: readonly number[]) =>
    peers.flatMap((peer) => {
      const header = { ...common, kind, owner: peer, subtree: root };
      const { start, end } = sliceOf(schedule, header);
      return start === end ? [] : [{ peer, header, place: output.subarray(start, end) }];
    });

  const gather = (kind: FrameKind, peers: readonly number[]): Promise<unknown> =>
    Promise.all(
      reducedBy(kind, peers).map(async ({ peer, header, place }) => {
        const values = await wait(peer, header, place.length);
        // Values that came before they were expected lie in another buffer.
        if (values.buffer !== place.buffer || values.byteOffset !== place.byteOffset) place.set(values);
      }),
    );

  const reduceChunk = async (sums: readonly Sum[]): Promise<void> => {
    if (lengthOf(chunk) === 0) return;
    await add({
      kind: 'group-partial',
      slice: chunk,
      own: sums.map((sum) => ({ ...sum, values: within(sum.values, share, chunk) })),
      others: cross.map((peer) => ({ peer, subtrees: ofGroup(peer) })),
      tops: [root],
    });
    await give('group-reduced', cross, chunk);
  };

  const reduceShare = async (): Promise<void> => {
    if (lengthOf(share) === 0) return;
    const sums = await add({
      kind: 'partial',
      slice: share,
      own: partials.map(({ subtree, values }) => ({
        subtree,
        values: values.subarray(share.start, share.end),
        isFree: false,
      })),
      others: group.map((peer) => ({
        peer,
        subtrees: subtreesOf(rangeOfRank(microBatches, split, peer), microBatches),
      })),
      tops: cross.length === 0 ? [root] : ofGroup(rank),
    });
    const toOthers = cross.flatMap((peer) =>
      sums.flatMap(({ subtree, values }) => {
        const theirs = within(values, share, chunkOf(schedule, bucket, peer));
        if (theirs.length === 0) return [];
        return send(peer, { ...common, kind: 'group-partial', owner: peer, subtree }, theirs);
      }),
    );
    // Waits for others only after this rank's part is done, so that a missed deadline names the late rank, not one that waits
    // for it.
    const across = async (): Promise<void> => {
      await reduceChunk(sums);
      await gather('group-reduced', cross);
    };
    if (cross.length > 0) await Promise.all([...toOthers, across()]);
    if (ownership === 'scattered') await give('reduced', group, share);
  };

  const returns: FrameKind[] = ownership === 'scattered' ? ['reduced', 'group-reduced'] : ['group-reduced'];
  for (const kind of returns) {
    for (const { peer, header, place } of reducedBy(kind, kind === 'reduced' ? group : cross))
      expect(peer, header, place);
  }
  await reduceShare();
  if (ownership === 'scattered') await gather('reduced', group);
}

/** The values of an inner slice, given those of the outer one. */
function within(values: Float32Array, outer: Slice, inner: Slice): Float32Array {
  return values.subarray(inner.start - outer.start, inner.end - outer.start);
}
