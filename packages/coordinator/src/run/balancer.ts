/**
 * Shares that follow measured speed. Each rank gets as many micro-batches of a step as it takes for all ranks to finish at
 * about the same time. The sum of a step has one order whoever computes what, so the result stays the same.
 */
import { evenSplit, rangeOfRank } from '@facet/shared';
import { median, SlidingMedians } from './median.js';

/** What one member computed of a step. */
export interface Computed {
  readonly workerId: string;
  readonly computeMs: number;
  readonly microBatches: number;
}

export interface BalancerOptions {
  /** Of a full step. */
  readonly microBatches: number;
  /** Number of the last steps of every member that are used. A change of shares costs a new generation. */
  readonly steps: number;
}

/** A change of shares must make a step at least this many times as fast. */
const LEAST_GAIN = 1.1;

export class Balancer {
  readonly #options: BalancerOptions;
  /** Milliseconds per micro-batch of every worker that ever computed, as last measured. */
  readonly #paces = new Map<string, number>();
  /** Of this generation. */
  #members: readonly string[] = [];
  #shares: readonly number[] = [];
  /** The first one that has something to compute. */
  #firstBusy: string | undefined;
  readonly #recent: SlidingMedians;

  constructor(options: BalancerOptions) {
    this.#options = options;
    this.#recent = new SlidingMedians(options.steps);
  }

  /** A generation begins. Returns the micro-batches of a full step for each of its members, in rank order. */
  begin(members: readonly string[]): readonly number[] {
    this.#members = members;
    this.#shares = this.#bestShares() ?? evenShares(this.#options.microBatches, members.length);
    this.#firstBusy = members.find((_, rank) => this.#shares[rank] !== 0);
    this.#recent.clear();
    return this.#shares;
  }

  /** A member of the generation finished a step. Returns why new shares are worth a new generation, if they are. */
  observe({ workerId, computeMs, microBatches }: Computed): string | undefined {
    if (microBatches === 0) return undefined;
    this.#recent.add(workerId, computeMs / microBatches);
    const pace = this.#recent.of(workerId);
    if (pace !== undefined) this.#paces.set(workerId, pace);
    // Once a step is enough.
    if (workerId !== this.#firstBusy) return undefined;
    const busy = this.#members.filter((_, rank) => this.#shares[rank] !== 0);
    if (busy.some((member) => this.#recent.of(member) === undefined)) return undefined;
    return this.#reasonToChange();
  }

  #reasonToChange(): string | undefined {
    const best = this.#bestShares();
    if (best === undefined) return undefined;
    const gain = this.#stepTime(this.#shares) / this.#stepTime(best);
    if (gain < LEAST_GAIN) return undefined;
    const [before, after] = [this.#shares.join(', '), best.join(', ')];
    return `steps get about ${gain.toFixed(2)} times as fast when the ranks' micro-batches, ${before}, become ${after}`;
  }

  /** If there are enough, every rank gets one micro-batch. Each further one goes to the rank that would finish it first. */
  #bestShares(): readonly number[] | undefined {
    const { microBatches } = this.#options;
    const paces = this.#pacesOfMembers();
    if (paces === undefined || paces.length > microBatches) return undefined;
    const shares = paces.map(() => 1);
    for (let given = shares.length; given < microBatches; given++) {
      const ends = shares.map((share, rank) => (share + 1) * paces[rank]!);
      shares[ends.indexOf(Math.min(...ends))]! += 1;
    }
    return shares;
  }

  /** A worker that was not measured counts as ordinary. Undefined if none was measured, or the clock shows no time. */
  #pacesOfMembers(): readonly number[] | undefined {
    const ordinary = median([...this.#paces.values()]);
    if (ordinary === undefined) return undefined;
    const paces = this.#members.map((member) => this.#paces.get(member) ?? ordinary);
    return paces.includes(0) ? undefined : paces;
  }

  #stepTime(shares: readonly number[]): number {
    const paces = this.#pacesOfMembers() ?? [];
    return Math.max(...shares.map((share, rank) => share * paces[rank]!));
  }
}

function evenShares(microBatches: number, worldSize: number): readonly number[] {
  const split = evenSplit(worldSize);
  return split.slice(1).map((_, rank) => {
    const { start, end } = rangeOfRank(microBatches, split, rank);
    return end - start;
  });
}
