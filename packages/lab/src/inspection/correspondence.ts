/**
 * The correspondence attention score (after Han et al. 2026, "Unique Lives, Shared World"): whether two readings of one
 * image attend to the same places. For readings A and B, a place p, and the k places that p attends to most:
 *
 *   CAS(A, B) = mean over images and places p of |TopK(A(p)) intersect TopK(B(p))| / k       0..1
 *
 * Two readings that know nothing of each other score k / N in the mean. Here a place is a token of the image; where B read
 * the image through a view, a place stands at another token there, and places that the view does not show are left out of
 * both. Pure: what attention is, is the caller's business.
 */

/** Attention of one image, [tokens, tokens], row-major: a row for each token that looks, in any positive unit. */
export type AttentionMap = Float32Array;

export interface CorrespondenceOptions {
  /** Tokens of an image. */
  readonly tokens: number;
  /** So many places count for each place that looks; fewer when fewer are shown. */
  readonly k: number;
  /** Where each token of A stands in B, -1 for one that B does not show; every token at its own place when left out. */
  readonly places?: readonly number[];
}

export interface Correspondence {
  /** The score; 0 when B shows no place. */
  readonly score: number;
  /** What it would be if one of the two looked at random. */
  readonly chance: number;
  /** The score of A with B's reading of the next image: attention that is habit and does not depend on the image. */
  readonly otherImages: number;
}

/** Every eighth place counts, as long as that is one. */
export function topCount(tokens: number): number {
  return Math.max(1, Math.round(tokens / 8));
}

/**
 * The score of two readings of the same images.
 *
 * @param a one map for each image, at least one
 * @param b as many
 */
export function correspondenceOf(
  a: readonly AttentionMap[],
  b: readonly AttentionMap[],
  { tokens, k, places = Array.from({ length: tokens }, (_, token) => token) }: CorrespondenceOptions,
): Correspondence {
  const shown = places.flatMap((place, token) => (place === -1 ? [] : [token]));
  const count = Math.min(k, shown.length);
  if (count === 0) return { score: 0, chance: 0, otherImages: 0 };
  const there = shown.map((token) => places[token]!);
  const topOfA = a.map((map) => topSets(map, { tokens, places: shown, count }));
  const topOfB = b.map((map) => topSets(map, { tokens, places: there, count }));
  const scoreWith = (shift: number): number =>
    meanOf(topOfA.map((sets, image) => overlap(sets, topOfB[(image + shift) % topOfB.length]!) / count));
  return { score: scoreWith(0), chance: count / shown.length, otherImages: scoreWith(1) };
}

interface TopOptions {
  readonly tokens: number;
  /** The tokens that stand for the places. */
  readonly places: readonly number[];
  readonly count: number;
}

/** For each place, the indices of the places that it attends to most; of equal ones the first. */
function topSets(map: AttentionMap, { tokens, places, count }: TopOptions): ReadonlySet<number>[] {
  return places.map((from) => {
    const row = map.subarray(from * tokens, (from + 1) * tokens);
    const order = [...places.keys()].sort((i, j) => row[places[j]!]! - row[places[i]!]! || i - j);
    return new Set(order.slice(0, count));
  });
}

/** Mean over places of the number of places in both sets. */
function overlap(a: readonly ReadonlySet<number>[], b: readonly ReadonlySet<number>[]): number {
  return meanOf(a.map((set, place) => [...set].filter((member) => b[place]!.has(member)).length));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
