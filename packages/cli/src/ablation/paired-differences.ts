/**
 * The statistics of a study: what several seeds say about two arms. Differences are taken seed by seed, because two arms
 * with the same seed see the same samples in the same order; what the seed does to both then cancels out.
 */
import { twoSidedP, twoSidedQuantile } from './student-t.js';

/** Accuracies of one arm by seed, shares of 1. */
export type BySeed = ReadonlyMap<number, number>;

export interface Spread {
  readonly mean: number;
  /** With n - 1; undefined for one seed. */
  readonly standardDeviation: number | undefined;
}

export interface PairedDifference {
  /** Seeds that both arms have. */
  readonly seeds: number;
  readonly mean: number;
  /** 95 % confidence by Student's t with n - 1 degrees of freedom; undefined for one seed. */
  readonly interval: readonly [low: number, high: number] | undefined;
  /** Two-sided probability of so large a difference if there were none; undefined for one seed. */
  readonly p: number | undefined;
  /** Seeds it takes, at this spread, until 0.3 points are outside of the interval around 0; undefined for one seed. */
  readonly seedsForThirdOfAPoint: number | undefined;
}

const ALPHA = 0.05;
const THIRD_OF_A_POINT = 0.003;
const MOST_SEEDS = 10_000;

/** Mean and standard deviation. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean, standardDeviation: undefined };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardDeviation: Math.sqrt(squares / (values.length - 1)) };
}

/** `arm` minus `baseline` over the seeds that both have; undefined when there is none. */
export function pairedDifference(arm: BySeed, baseline: BySeed): PairedDifference | undefined {
  const differences = [...arm].flatMap(([seed, accuracy]) => {
    const other = baseline.get(seed);
    return other === undefined ? [] : [accuracy - other];
  });
  const seeds = differences.length;
  if (seeds === 0) return undefined;
  const { mean, standardDeviation } = spreadOf(differences);
  if (standardDeviation === undefined) {
    return { seeds, mean, interval: undefined, p: undefined, seedsForThirdOfAPoint: undefined };
  }
  const error = standardDeviation / Math.sqrt(seeds);
  const reach = twoSidedQuantile(ALPHA, seeds - 1) * error;
  return {
    seeds,
    mean,
    interval: [mean - reach, mean + reach],
    p: error === 0 ? Number(mean === 0) : twoSidedP(mean / error, seeds - 1),
    seedsForThirdOfAPoint: seedsFor(standardDeviation),
  };
}

function seedsFor(standardDeviation: number): number {
  for (let seeds = 2; seeds < MOST_SEEDS; seeds++) {
    if ((twoSidedQuantile(ALPHA, seeds - 1) * standardDeviation) / Math.sqrt(seeds) < THIRD_OF_A_POINT) return seeds;
  }
  return MOST_SEEDS;
}

/**
 * Holm's step-down adjustment: with these, the chance that any true null hypothesis among them falls is at most alpha.
 *
 * @returns one for each p, in their order
 */
export function holmAdjusted(ps: readonly number[]): number[] {
  const order = ps.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  const adjusted = new Array<number>(ps.length);
  let least = 0;
  order.forEach(({ p, index }, rank) => {
    least = Math.max(least, Math.min(1, p * (ps.length - rank)));
    adjusted[index] = least;
  });
  return adjusted;
}
