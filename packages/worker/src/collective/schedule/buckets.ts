/**
 * How the flat gradient is cut: into buckets that are reduced on their own, and every bucket into one chunk per rank, which
 * that rank owns: it adds everyone's contribution to it and hands the result back.
 */

/** A slice of the flat buffer in elements, end exclusive. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

export interface BucketSchedule {
  readonly length: number;
  readonly worldSize: number;
  readonly buckets: readonly Slice[];
}

/** Cuts a flat buffer of `length` elements into buckets of at most `bucketBytes`. */
export function scheduleBuckets(length: number, worldSize: number, bucketBytes: number): BucketSchedule {
  const size = Math.max(1, Math.floor(bucketBytes / Float32Array.BYTES_PER_ELEMENT));
  const buckets: Slice[] = [];
  for (let start = 0; start < length; start += size) buckets.push({ start, end: Math.min(start + size, length) });
  return { length, worldSize, buckets };
}

/** The part of a bucket that a rank owns; empty when the bucket is shorter than the world is large. */
export function chunkOf(schedule: BucketSchedule, bucket: number, owner: number): Slice {
  const { start, end } = schedule.buckets[bucket]!;
  const length = end - start;
  return {
    start: start + Math.floor((length * owner) / schedule.worldSize),
    end: start + Math.floor((length * (owner + 1)) / schedule.worldSize),
  };
}
