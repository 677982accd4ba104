/**
 * The statistics of a study: compares two arms over several seeds. Differences are taken seed by seed, because two arms with
 * the same seed see the same samples in the same order. So the effect of the seed on both cancels out.
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
  /** Seeds it takes, at this spread, until a difference of SHOWN_DIFFERENCE is outside of the interval; undefined for one seed. */
  readonly seedsNeeded: number | undefined;
}

/** 0.3 points: the gain that one may expect of views. */
export const SHOWN_DIFFERENCE = 0.003;
/** What an adjusted p must be below before anything is claimed; intervals are those of 1 - ALPHA. */
export const ALPHA = 0.05;

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
    return { seeds, mean, interval: undefined, p: undefined, seedsNeeded: undefined };
  }
  const error = standardDeviation / Math.sqrt(seeds);
  const reach = reachOf(standardDeviation, seeds);
  return {
    seeds,
    mean,
    interval: [mean - reach, mean + reach],
    p: error === 0 ? Number(mean === 0) : twoSidedP(mean / error, seeds - 1),
    seedsNeeded: seedsNeeded(standardDeviation),
  };
}

/** Half the width of the interval around a mean. */
function reachOf(standardDeviation: number, seeds: number): number {
  return (twoSidedQuantile(ALPHA, seeds - 1) * standardDeviation) / Math.sqrt(seeds);
}

/** The least number of seeds whose interval is narrow enough; it narrows with every seed. */
function seedsNeeded(standardDeviation: number): number {
  const shows = (seeds: number): boolean => reachOf(standardDeviation, seeds) < SHOWN_DIFFERENCE;
  let enough = 2;
  while (!shows(enough)) enough *= 2;
  let tooFew = Math.floor(enough / 2);
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    if (shows(middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

/**
 * Holm's step-down adjustment. With adjusted p values, the chance to reject any true null hypothesis is at most alpha.
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
