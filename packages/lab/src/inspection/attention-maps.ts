/**
 * From attention probabilities to maps that can be shown and compared. Pure.
 */
import type { AttentionMap } from './correspondence.js';

/** Sizes of what is read. */
export interface AttentionShape {
  readonly heads: number;
  readonly tokens: number;
}

/** What a reading says about attention. */
export interface AttentionReading {
  /** Probabilities, [heads, tokens, keys]: the image's own tokens come first, then those of views. */
  readonly attention: Float32Array;
  /** The share of every token in the pooled one, [tokens]. */
  readonly pooling: Float32Array;
}

/** Attention from each token of the image to each other one, as the mean over heads, [tokens, tokens]. */
export function meanAttention(
  { attention }: Pick<AttentionReading, 'attention'>,
  { heads, tokens }: AttentionShape,
): AttentionMap {
  const keys = attention.length / (heads * tokens);
  const map = new Float32Array(tokens * tokens);
  for (let head = 0; head < heads; head++) {
    for (let query = 0; query < tokens; query++) {
      const row = attention.subarray((head * tokens + query) * keys, (head * tokens + query) * keys + tokens);
      row.forEach((share, key) => (map[query * tokens + key]! += share / heads));
    }
  }
  return map;
}

/**
 * Where each head looks on behalf of the answer: attention averaged over queries by the share of each in the pooled token.
 *
 * @returns [head][image itself, then each view that is attended to][token]
 */
export function headMaps({ attention, pooling }: AttentionReading, { heads, tokens }: AttentionShape): number[][][] {
  const keys = attention.length / (heads * tokens);
  return Array.from({ length: heads }, (_, head) => {
    const mean = new Float64Array(keys);
    pooling.forEach((share, query) => {
      const row = attention.subarray((head * tokens + query) * keys, (head * tokens + query + 1) * keys);
      row.forEach((probability, key) => (mean[key]! += share * probability));
    });
    return Array.from({ length: keys / tokens }, (_, seen) => [...mean.subarray(seen * tokens, (seen + 1) * tokens)]);
  });
}
