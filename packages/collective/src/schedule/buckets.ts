/**
 * How the flat gradient is cut: into buckets that are reduced on their own, every bucket into one share per rank of a group, and every
 * share into one chunk per group. A rank adds its group's contributions to its share, then all groups' contributions to its
 * chunk of that share, and hands both results back the way they came. With one group, the usual case, share and chunk are the same.
 *
 * Two ways to own: `scattered`, each rank a part, 2 (n - 1) / n of the bytes; `replicated`, every rank the whole, one hop, n - 1 times the
 * bytes. All of them add along the same tree, so all of them give the same bits.
 */
import { evenSplit, type WorkSplit } from '@facet/shared';
import type { FrameKind } from '../frame.js';

/** A slice of the flat buffer in elements, end exclusive. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

export interface BucketSchedule {
  readonly length: number;
  readonly worldSize: number;
  /** Who contributes which micro-batches. */
  readonly split: WorkSplit;
  /** Ranks per group; divides the world size. */
  readonly groupSize: number;
  readonly ownership: 'scattered' | 'replicated';
  /** Buckets, shares and chunks begin at multiples of so many elements. */
  readonly alignment: number;
  readonly buckets: readonly Slice[];
}

export interface ScheduleOptions {
  /** Elements of the flat buffer. */
  readonly length: number;
  readonly worldSize: number;
  /** Default: even. */
  readonly split?: WorkSplit;
  /** Default: one group. */
  readonly groupSize?: number;
  readonly bucketBytes: number;
  /** Default: 1. */
  readonly alignment?: number;
  /** Up to this many bytes every rank owns the whole. Default, as measured: 64 KiB; with two ranks 2 MiB. */
  readonly replicatedBytes?: number;
}

/** Up to this many bytes a second hop costs more than the bytes that it saves. */
const REPLICATED_BYTES = 64 * 1024;
/** The same for two ranks. They send the same number of bytes either way, so a second hop saves only additions. */
const REPLICATED_BYTES_OF_TWO = 2 * 1024 * 1024;

/** Cuts a flat buffer into buckets of at most `bucketBytes`; a small buffer saves hops. */
export function scheduleBuckets({
  length,
  worldSize,
  split = evenSplit(worldSize),
  groupSize = worldSize,
  bucketBytes,
  alignment = 1,
  replicatedBytes = worldSize <= 2 ? REPLICATED_BYTES_OF_TWO : REPLICATED_BYTES,
}: ScheduleOptions): BucketSchedule {
  if (worldSize % groupSize !== 0) throw new RangeError(`groups of ${groupSize} do not divide ${worldSize} ranks`);
  const size = Math.max(alignment, alignedDown(bucketBytes / Float32Array.BYTES_PER_ELEMENT, alignment));
  const buckets: Slice[] = [];
  for (let start = 0; start < length; start += size) buckets.push({ start, end: Math.min(start + size, length) });
  const isSmall = length * Float32Array.BYTES_PER_ELEMENT <= replicatedBytes;
  if (worldSize === 1 || isSmall) {
    return { length, worldSize, split, groupSize: worldSize, ownership: 'replicated', alignment, buckets };
  }
  return { length, worldSize, split, groupSize, ownership: 'scattered', alignment, buckets };
}

/** What a rank owns of a bucket within its group; empty when a scattered bucket is shorter than the group is large. */
export function shareOf(
  { buckets, ownership, groupSize, alignment }: BucketSchedule,
  bucket: number,
  rank: number,
): Slice {
  const whole = buckets[bucket]!;
  return ownership === 'replicated' ? whole : part(whole, groupSize, rank % groupSize, alignment);
}

/** What a rank owns of a bucket in the whole world: a part of its share. */
export function chunkOf(schedule: BucketSchedule, bucket: number, rank: number): Slice {
  const { worldSize, groupSize, alignment } = schedule;
  const share = shareOf(schedule, bucket, rank);
  return part(share, worldSize / groupSize, Math.floor(rank / groupSize), alignment);
}

/** The part of the flat buffer that a contribution or a result belongs to. */
export function sliceOf(
  schedule: BucketSchedule,
  { kind, bucket, owner }: { readonly kind: FrameKind; readonly bucket: number; readonly owner: number },
): Slice {
  const isWithinGroup = kind === 'partial' || kind === 'reduced';
  return isWithinGroup ? shareOf(schedule, bucket, owner) : chunkOf(schedule, bucket, owner);
}

/** Its elements. */
export function lengthOf({ start, end }: Slice): number {
  return end - start;
}

/** The other ranks of a rank's group: contributions to their shares go to them. */
export function groupPeers({ groupSize }: BucketSchedule, rank: number): number[] {
  const first = rank - (rank % groupSize);
  return Array.from({ length: groupSize }, (_, place) => first + place).filter((peer) => peer !== rank);
}

/** The ranks of other groups that own the other chunks of this rank's share. */
export function crossPeers({ worldSize, groupSize }: BucketSchedule, rank: number): number[] {
  const groups = worldSize / groupSize;
  return Array.from({ length: groups }, (_, group) => group * groupSize + (rank % groupSize)).filter(
    (peer) => peer !== rank,
  );
}

/** One of so many parts of a slice, as equal as the alignment allows. */
function part({ start, end }: Slice, parts: number, index: number, alignment: number): Slice {
  const cut = (at: number): number =>
    at === parts ? end : start + alignedDown(((end - start) * at) / parts, alignment);
  return { start: cut(index), end: cut(index + 1) };
}

/** The largest multiple of the alignment up to a number of elements. */
export function alignedDown(elements: number, alignment: number): number {
  return Math.floor(elements / alignment) * alignment;
}
