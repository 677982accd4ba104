/**
 * Counter-based randomness: every draw is a pure function of its key, so it does not matter which worker makes it, in
 * which order, or how often. No draw has state beyond the stream that the caller holds.
 *
 * The mixer is the 32-bit finaliser of MurmurHash3 (Austin Appleby, public domain), applied over the words of the key.
 */

/** What a draw is for; part of the key, so that two purposes never share their numbers. */
export type Purpose =
  | 'permutation'
  | 'augmentation'
  | 'initialisation'
  | 'accounting'
  | 'held-out'
  | 'affine'
  | 'rand-augment'
  | 'cutout'
  | 'pairing'
  | 'mixing'
  | 'auxiliary'
  | 'attack'
  | 'corruption'
  | 'adversarial'
  | 'simulation'
  | 'rounding'
  | 'noise';

const PURPOSE_WORD: Record<Purpose, number> = {
  permutation: 1,
  augmentation: 2,
  initialisation: 3,
  accounting: 4,
  'held-out': 5,
  affine: 6,
  'rand-augment': 7,
  cutout: 8,
  pairing: 9,
  mixing: 10,
  auxiliary: 11,
  attack: 12,
  corruption: 13,
  adversarial: 14,
  simulation: 15,
  rounding: 16,
  noise: 17,
};

function mix(hash: number, word: number): number {
  let h = (hash ^ Math.imul(word, 0xcc9e2d51)) >>> 0;
  h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}

/** Folds a purpose and any number of integers into one 32-bit key. */
export function randomKey(purpose: Purpose, ...words: readonly number[]): number {
  let hash = mix(0x9e3779b9, PURPOSE_WORD[purpose]);
  for (const word of words) {
    hash = mix(hash, word | 0);
    // Integers above 32 bits keep their high part too: seeds may be any safe integer.
    const high = Math.trunc(word / 0x1_0000_0000);
    if (high !== 0) hash = mix(hash, high | 0);
  }
  return hash;
}

/** A stream of draws under one key. */
export interface RandomStream {
  /** A 32-bit unsigned integer. */
  nextUint32(): number;
  /** A number in [0, 1) with 32 random bits. */
  nextUniform(): number;
  /** An integer in [0, bound) without modulo bias; bound is 1..2^32. */
  nextBelow(bound: number): number;
  /** A standard normal number (Box-Muller; one of the pair is dropped so that the stream has no hidden state). */
  nextNormal(): number;
}

/** Opens the stream of a key. Equal keys give equal streams. */
export function randomStream(key: number): RandomStream {
  const start = mix(key, 0x51ed270b);
  let counter = 0;
  const nextUint32 = (): number => mix(start, counter++);
  const nextUniform = (): number => nextUint32() / 0x1_0000_0000;
  return {
    nextUint32,
    nextUniform,
    nextBelow(bound) {
      const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
      let draw = nextUint32();
      while (draw >= limit) draw = nextUint32();
      return draw % bound;
    },
    nextNormal() {
      const radius = Math.sqrt(-2 * Math.log(1 - nextUniform()));
      return radius * Math.cos(2 * Math.PI * nextUniform());
    },
  };
}

/** The order in which an epoch visits its samples: 0..size-1, shuffled. */
export function permutation(seed: number, epoch: number, size: number): Uint32Array {
  return shuffled(randomKey('permutation', seed, epoch), size);
}

/** A Fisher-Yates shuffle of 0..size-1 under a key. */
export function shuffled(key: number, size: number): Uint32Array {
  const order = Uint32Array.from({ length: size }, (_, i) => i);
  const stream = randomStream(key);
  for (let i = size - 1; i > 0; i--) {
    const j = stream.nextBelow(i + 1);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}
