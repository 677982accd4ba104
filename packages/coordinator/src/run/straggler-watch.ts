/**
 * Finds the worker that all others wait for. A step is as slow as its slowest rank, so the time of a step does not say which
 * rank that is. The time that each rank spends before it has its own gradients does. It is compared with the median of the
 * others; with two ranks, a median of both would hide half of the difference. One slow step is ordinary. A worker is a
 * straggler if the median over a window of steps says so.
 */
import { MedianOfOthers, SlidingMedians } from './median.js';

export interface StragglerPolicy {
  /** How many times as long as the others a straggler takes. */
  readonly factor: number;
  /** Steps of one generation in the window. */
  readonly steps: number;
}

/** What one member spent on its own part of a step. */
export interface OwnWork {
  readonly workerId: string;
  readonly step: number;
  /** Waiting for shards and computing, in milliseconds. */
  readonly ownMs: number;
  readonly microBatches: number;
}

/** A worker became a straggler, or is none any more. */
export interface StragglerNews {
  readonly workerId: string;
  readonly kind: 'straggles' | 'keeps-up';
  /** See slownessOf. */
  readonly slowness: number;
  /** For people. */
  readonly message: string;
}

export class StragglerWatch {
  readonly #policy: StragglerPolicy;
  #worldSize = 0;
  /** By step, until every member has reported it; then by worker. */
  readonly #reports = new Map<number, Map<string, OwnWork>>();
  readonly #slowness: SlidingMedians;
  /** By worker, what was said about it when it became one. */
  readonly #stragglers = new Map<string, string>();

  constructor(policy: StragglerPolicy) {
    this.#policy = policy;
    this.#slowness = new SlidingMedians(policy.steps);
  }

  /** A generation begins: its members and their shares are others, so nothing of the last one counts. */
  begin(worldSize: number): void {
    this.#worldSize = worldSize;
    this.#reports.clear();
    this.#slowness.clear();
    this.#stragglers.clear();
  }

  /** A member finished a step. Returns what that changes, once the last one has. */
  observe(own: OwnWork): readonly StragglerNews[] {
    const { workerId, step } = own;
    const reports = this.#reports.get(step) ?? new Map<string, OwnWork>();
    this.#reports.set(step, reports.set(workerId, own));
    if (reports.size < this.#worldSize) return [];
    for (const reported of [...this.#reports.keys()]) if (reported <= step) this.#reports.delete(reported);
    const busy = [...reports.values()].filter(({ microBatches }) => microBatches > 0);
    const others = { whole: new MedianOfOthers(busy.map(wholeMs)), each: new MedianOfOthers(busy.map(eachMs)) };
    return busy.flatMap((one) => {
      const slowness = slownessIn(one, others);
      if (slowness === undefined) return [];
      this.#slowness.add(one.workerId, slowness);
      return this.#judge(one.workerId);
    });
  }

  /**
   * How many times as long as the others a member takes, for a micro-batch and for its whole share, whichever is less, as the median over the window;
   * undefined before that is full.
   */
  slownessOf(workerId: string): number | undefined {
    return this.#slowness.of(workerId);
  }

  /** The largest slowness of any member; undefined before a window is full. */
  get greatestSlowness(): number | undefined {
    const { all } = this.#slowness;
    return all.length === 0 ? undefined : Math.max(...all);
  }

  /** Members that straggle now. */
  get count(): number {
    return this.#stragglers.size;
  }

  /** One sentence about each straggler, for people; empty while there is none, and the same as long as they are the same. */
  get note(): string {
    return [...this.#stragglers.values()].join('; ');
  }

  /** A straggler stays one until it has come more than half of the way back, so that the state does not flicker. */
  #judge(workerId: string): readonly StragglerNews[] {
    const slowness = this.slownessOf(workerId);
    if (slowness === undefined) return [];
    const { factor, steps } = this.#policy;
    const was = this.#stragglers.has(workerId);
    const is = slowness >= (was ? (1 + factor) / 2 : factor);
    if (is === was) return [];
    const times = `${slowness.toFixed(1)} times as long as the others for its work (median of ${steps} steps)`;
    if (was) {
      this.#stragglers.delete(workerId);
      return [
        { workerId, kind: 'keeps-up', slowness, message: `worker ${workerId} keeps up again: it takes ${times}` },
      ];
    }
    const message = `worker ${workerId} takes ${times}, and all wait for it`;
    this.#stragglers.set(workerId, message);
    return [{ workerId, kind: 'straggles', slowness, message }];
  }
}

/** Time of a member for its whole share. */
const wholeMs = ({ ownMs }: OwnWork): number => ownMs;
/** For one micro-batch of it. */
const eachMs = ({ ownMs, microBatches }: OwnWork): number => ownMs / microBatches;

interface OthersTimes {
  readonly whole: MedianOfOthers;
  readonly each: MedianOfOthers;
}

/**
 * Time counts per micro-batch, because a large share is no slowness (padded micro-batches take as long as full ones). Time
 * also counts for the whole share, because nobody waits for a slow member with a small share.
 */
function slownessIn(one: OwnWork, { whole, each }: OthersTimes): number | undefined {
  const ratio = (own: number, others: MedianOfOthers): number => own / (others.without(own) ?? 0);
  const slowness = Math.min(ratio(wholeMs(one), whole), ratio(eachMs(one), each));
  // There is no other member to compare with, or the clock shows no time.
  return Number.isFinite(slowness) ? slowness : undefined;
}
