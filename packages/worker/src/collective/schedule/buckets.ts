/**
 * How the flat gradient is cut: into buckets that are reduced on their own, and every bucket into one chunk per rank, which
 * that rank owns: it adds everyone's contribution to it and hands the result back.
 *
 * Two ways to own: `scattered`, each rank a part, two hops, 2 (n - 1) / n of the bytes; `replicated`, every rank the whole, one
 * hop, n - 1 times the bytes. Both add along the same tree, so both give the same bits.
 */

/** A slice of the flat buffer in elements, end exclusive. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

export interface BucketSchedule {
  readonly length: number;
  readonly worldSize: number;
  readonly ownership: 'scattered' | 'replicated';
  /** Buckets and chunks begin at multiples of so many elements. */
  readonly alignment: number;
  readonly buckets: readonly Slice[];
}

/** Up to so many bytes a second hop costs more than the bytes it saves. */
const REPLICATED_BYTES = 64 * 1024;

/**
 * Cuts a flat buffer of `length` elements into buckets of at most `bucketBytes`. Two ranks send the same number of bytes
 * either way, so they always save the second hop.
 */
export function scheduleBuckets(length: number, worldSize: number, bucketBytes: number, alignment = 1): BucketSchedule {
  const size = Math.max(alignment, alignedDown(bucketBytes / Float32Array.BYTES_PER_ELEMENT, alignment));
  const buckets: Slice[] = [];
  for (let start = 0; start < length; start += size) buckets.push({ start, end: Math.min(start + size, length) });
  const isSmall = length * Float32Array.BYTES_PER_ELEMENT <= REPLICATED_BYTES;
  return { length, worldSize, ownership: worldSize <= 2 || isSmall ? 'replicated' : 'scattered', alignment, buckets };
}

/** What a rank owns of a bucket; empty when a scattered bucket is shorter than the world is large. */
export function chunkOf(schedule: BucketSchedule, bucket: number, owner: number): Slice {
  const { start, end } = schedule.buckets[bucket]!;
  const { ownership, worldSize, alignment } = schedule;
  if (ownership === 'replicated') return { start, end };
  const cut = (at: number): number =>
    at === worldSize ? end : start + alignedDown(((end - start) * at) / worldSize, alignment);
  return { start: cut(owner), end: cut(owner + 1) };
}

function alignedDown(elements: number, alignment: number): number {
  return Math.floor(elements / alignment) * alignment;
}
