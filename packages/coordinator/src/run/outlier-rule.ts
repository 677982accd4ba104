/**
 * Which member's value of one step lies far from the others': the Hampel identifier, distance from the median against the
 * median absolute deviation (Hampel 1974; Iglewicz and Hoaglin 1993, "How to detect and handle outliers"). One step has few
 * members, so deviations are those of all members over recent steps. Six instead of the usual 3 to 3.5 deviations, because
 * gradients of small batches have heavy tails.
 *
 * Two members have no median. If they are far from each other, the one that is further from the recent steps of the run is
 * meant; before there are any, the larger one, because it decides what their sum is.
 */
import { median } from './median.js';

export interface OutlierRuleOptions {
  /** A distance that is never far, whatever the deviations, given the median of the step. */
  readonly least: (centre: number) => number;
  /** A distance that is always far: an outlier that was taken for ordinary must not hide itself or the next one. */
  readonly most: number;
}

/** What a step came to. */
export interface StepVerdict {
  /** What the others' values are: their median, or that of recent steps. */
  readonly centre: number;
  /** By worker: signed distance from the centre of those that are far from it. */
  readonly far: ReadonlyMap<string, number>;
  /** Two members disagree, and nothing says which one is right. */
  readonly isUndecided: boolean;
}

/** For a normal distribution the median absolute deviation times this is the standard deviation. */
const NORMAL = 1.4826;
const DEVIATIONS = 6;
/** Fewer deviations say nothing about the usual one. */
const LEAST_KNOWN = 20;
/** Deviations that are kept; and steps whose centre is kept. */
const MOST_KNOWN = 256;
const RECENT_STEPS = 50;
/** The usual deviation is looked up again after so many new ones: sorting them at every step would cost more than all else. */
const RENEWED_EVERY = 16;

export class OutlierRule {
  readonly #options: OutlierRuleOptions;
  /** Of members that were not far, the oldest first; without a sign. */
  readonly #deviations: number[] = [];
  #usual = 0;
  #untilRenewed = LEAST_KNOWN;
  /** Centres of steps in which nobody was far, the oldest first. */
  readonly #centres: number[] = [];

  constructor(options: OutlierRuleOptions) {
    this.#options = options;
  }

  /** @param values by worker, of one step; a value that is no number is far from all others */
  judge(values: ReadonlyMap<string, number>): StepVerdict {
    const numbers = new Map([...values].filter(([, value]) => Number.isFinite(value)));
    const far = new Map<string, number>();
    for (const [workerId] of values) if (!numbers.has(workerId)) far.set(workerId, Number.POSITIVE_INFINITY);
    const middle = median([...numbers.values()]) ?? 0;
    if (numbers.size < 2) return { centre: middle, far: numbers.size === 0 ? new Map() : far, isUndecided: false };
    const { centre, isUndecided } =
      numbers.size === 2 ? this.#betweenTwo([...numbers.values()], middle) : ofMany(middle);
    const limit = this.#limit(centre);
    for (const [workerId, value] of numbers) if (Math.abs(value - centre) > limit) far.set(workerId, value - centre);
    for (const [workerId, value] of numbers) if (!far.has(workerId)) this.#learn(Math.abs(value - centre));
    if (far.size === 0) keep(this.#centres, middle, RECENT_STEPS);
    return { centre, far, isUndecided };
  }

  /** The one of two that is taken for right; both of them while they agree. */
  #betweenTwo(pair: readonly number[], middle: number): { readonly centre: number; readonly isUndecided: boolean } {
    const [low, high] = [Math.min(...pair), Math.max(...pair)];
    if (high - low <= this.#limit(low)) return ofMany(middle);
    const recent = median(this.#centres);
    if (recent === undefined) return { centre: low, isUndecided: true };
    return { centre: Math.abs(low - recent) <= Math.abs(high - recent) ? low : high, isUndecided: false };
  }

  #limit(centre: number): number {
    const { least, most } = this.#options;
    return Math.min(Math.max(DEVIATIONS * this.#usual, least(centre)), most);
  }

  #learn(deviation: number): void {
    keep(this.#deviations, deviation, MOST_KNOWN);
    this.#untilRenewed -= 1;
    if (this.#untilRenewed > 0) return;
    this.#untilRenewed = RENEWED_EVERY;
    this.#usual = NORMAL * (median(this.#deviations) ?? 0);
  }
}

function ofMany(centre: number): { readonly centre: number; readonly isUndecided: boolean } {
  return { centre, isUndecided: false };
}

function keep(values: number[], value: number, most: number): void {
  values.push(value);
  if (values.length > most) values.shift();
}
