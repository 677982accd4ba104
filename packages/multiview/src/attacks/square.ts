/**
 * The Square attack (Andriushchenko et al. 2020): random search with squares, by logits alone. What it breaks, it breaks
 * without gradients; a model that falls to it and not to PGD hides its gradients. Queries per sample are bounded, and the
 * moves of a sample depend on (seed, sample id) alone.
 */
import { randomKey, randomStream, type ImageShape, type RandomStream } from '@facet/shared';
import { marginOf, type Oracle } from './oracle.js';
import { drawSign, drawWindow, indicesIn, pyramidPair, squareSide } from './square-window.js';
import { openStanding, rowOf, type AttackProgress, type AttackResult, type AttackSamples } from './standing.js';
import { lengthOf, project, type Threat } from './threat.js';

export interface SquareOptions {
  readonly threat: Threat;
  /** Most questions per sample, the first image included. */
  readonly queries: number;
  readonly seed: number;
  readonly onProgress?: ((progress: AttackProgress) => void) | undefined;
}

/** One sample's search: where it is, and how good that is. */
interface Search {
  readonly sample: number;
  readonly origin: Float32Array;
  readonly stream: RandomStream;
  image: Float32Array;
  margin: number;
}

/** Keeps the randomness of this attack apart from that of PGD's restarts. */
const SQUARE_WORD = -1;

/** Attacks samples by questions. */
export async function attackBySquares(
  oracle: Oracle,
  samples: AttackSamples,
  { threat, queries, seed, onProgress }: SquareOptions,
): Promise<AttackResult> {
  const { image } = oracle;
  const pixels = image.channels * image.height * image.width;
  const standing = await openStanding(oracle, samples);
  let searches = standing.survivors().map((sample): Search => {
    const stream = randomStream(randomKey('attack', seed, samples.ids[sample]!, SQUARE_WORD));
    const origin = rowOf(samples.images, sample, pixels);
    return { sample, origin, stream, image: origin, margin: -Infinity };
  });
  for (let query = 0; query < queries && searches.length > 0; query++) {
    const candidates = searches.map((search) => {
      const candidate =
        query === 0
          ? firstMove(search, threat, image)
          : nextMove(search, threat, image, squareSide(image, query, queries));
      project(candidate, search.origin, threat);
      return candidate;
    });
    const logits = await oracle.logits(concatenate(candidates, pixels));
    searches = searches.filter((search, i) => {
      const scores = rowOf(logits, i, oracle.classes);
      const margin = marginOf(scores, samples.labels[search.sample]!);
      if (margin > search.margin) Object.assign(search, { margin, image: candidates[i] });
      return !standing.offer(search.sample, candidates[i]!, scores);
    });
    onProgress?.({ done: query + 1, total: queries, survivors: searches.length });
  }
  return standing.result;
}

function concatenate(images: readonly Float32Array[], pixels: number): Float32Array {
  const packed = new Float32Array(images.length * pixels);
  images.forEach((image, i) => packed.set(image, i * pixels));
  return packed;
}

/** L-inf: stripes from top to bottom, each channel of each column up or down by eps. L2: a field of 5 x 5 patterns. */
function firstMove({ origin, stream }: Search, { norm, eps }: Threat, image: ImageShape): Float32Array {
  const { channels, height, width } = image;
  if (norm === 'linf') {
    const signs = Array.from({ length: channels * width }, () => drawSign(stream));
    return origin.map((pixel, i) => pixel + eps * signs[Math.floor(i / (height * width)) * width + (i % width)]!);
  }
  const delta = new Float32Array(origin.length);
  const size = Math.max(1, Math.floor(Math.min(height, width) / FIELD));
  for (let top = 0; top + size <= FIELD * size; top += size) {
    for (let left = 0; left + size <= FIELD * size; left += size) {
      const pattern = pyramidPair(size, stream);
      for (let channel = 0; channel < channels; channel++) {
        const sign = drawSign(stream);
        indicesIn({ top, left, size }, channel, image).forEach((at, i) => (delta[at] = sign * pattern[i]!));
      }
    }
  }
  return movedBy(origin, delta, eps);
}

/** L-inf: one square, each channel up or down to the edge of the ball. L2: see {@link moveMass}. */
function nextMove(search: Search, { norm, eps }: Threat, image: ImageShape, side: number): Float32Array {
  const { stream, origin } = search;
  if (norm === 'l2') return movedBy(origin, moveMass(search, eps, image, side), eps);
  const window = drawWindow(image, side, stream);
  const candidate = search.image.slice();
  for (let channel = 0; channel < image.channels; channel++) {
    // Twice eps reaches the edge from anywhere in the ball.
    const push = 2 * eps * drawSign(stream);
    for (const at of indicesIn(window, channel, image)) candidate[at]! += push;
  }
  return candidate;
}

/** Patterns along one side of the first image in an L2 ball. */
const FIELD = 5;
/** The smallest square with a pattern worth the name. */
const SMALLEST_PATTERN = 3;

/**
 * Takes what one window has moved, and what the ball still allows, and spends it in another window on a pattern.
 *
 * @returns how the image would differ from its origin
 */
function moveMass(
  { image: current, origin, stream }: Search,
  eps: number,
  image: ImageShape,
  side: number,
): Float32Array {
  const size = Math.min(Math.max(SMALLEST_PATTERN, side + ((side + 1) % 2)), image.height, image.width);
  const delta = current.map((pixel, i) => pixel - origin[i]!);
  const unused = Math.max(0, eps ** 2 - lengthOf(delta) ** 2) / image.channels;
  const [target, source] = [drawWindow(image, size, stream), drawWindow(image, size, stream)];
  const pattern = pyramidPair(size, stream);
  const lengthAt = (indices: readonly number[]): number => Math.hypot(...indices.map((at) => delta[at]!));
  for (let channel = 0; channel < image.channels; channel++) {
    const [into, from] = [indicesIn(target, channel, image), indicesIn(source, channel, image)];
    const before = Math.max(lengthAt(into), Number.MIN_VALUE);
    const budget = Math.sqrt(unused + lengthAt([...new Set([...into, ...from])]) ** 2);
    const sign = drawSign(stream);
    const wanted = into.map((at, i) => sign * pattern[i]! + delta[at]! / before);
    const length = Math.max(Math.hypot(...wanted), Number.MIN_VALUE);
    for (const at of from) delta[at] = 0;
    into.forEach((at, i) => (delta[at] = (wanted[i]! / length) * budget));
  }
  return delta;
}

/** The origin moved by exactly eps in the direction of `delta`. */
function movedBy(origin: Float32Array, delta: Float32Array, eps: number): Float32Array {
  const scale = eps / Math.max(lengthOf(delta), Number.MIN_VALUE);
  return origin.map((pixel, i) => pixel + scale * delta[i]!);
}
