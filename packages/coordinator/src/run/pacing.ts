/**
 * Handles workers of unequal speed, because a step takes as long as its slowest rank. Stragglers are named. With
 * `stragglers.exclude` they are also sent away and kept away. With `balance` shares follow the measured speed.
 */
import type { StepDone } from '@facet/proto';
import { evenSplit, rangeOfRank, splitByShares, type Plan, type WorkSplit } from '@facet/shared';
import type { Logger } from '@facet/telemetry';
import type { Balancer } from './balancer.js';
import type { StragglerNews, StragglerWatch } from './straggler-watch.js';

export interface PacingRules {
  readonly watch: StragglerWatch;
  /** Whether stragglers are sent away. */
  readonly excludes: boolean;
  /** Absent: shares are even. */
  readonly balancer: Balancer | undefined;
}

export interface PacingOptions extends PacingRules {
  readonly plan: Pick<Plan, 'microBatchCount'>;
  readonly log: Logger;
  /** Lets a member go. Returns false if the run cannot do without it, or if it goes anyway. */
  readonly sendAway: (workerId: string, reason: string) => boolean;
  /** Ends the generation without loss, so that one with other shares can follow. */
  readonly regroup: (reason: string) => void;
}

export class Pacing {
  readonly #options: PacingOptions;
  /** Workers that were sent away, and why. */
  readonly #excluded = new Map<string, string>();
  #split: WorkSplit = [];

  constructor(options: PacingOptions) {
    this.#options = options;
  }

  /** A generation begins. Returns the micro-batches of a full step for each member, in rank order; none when they are even. */
  begin(members: readonly string[]): readonly number[] {
    const { watch, balancer } = this.#options;
    const shares = balancer?.begin(members) ?? [];
    watch.begin(members.length);
    this.#split = shares.length > 0 ? splitByShares(shares) : evenSplit(members.length);
    return shares;
  }

  /** Who computes what in this generation. */
  get split(): WorkSplit {
    return this.#split;
  }

  /** A member of the running generation finished a step. */
  observe({ workerId, rank }: { readonly workerId: string; readonly rank: number }, { step, timings }: StepDone): void {
    const { plan, watch, balancer, regroup } = this.#options;
    if (timings === null || timings === undefined) return;
    const { shardWaitMs, computeMs } = timings;
    const { start, end } = rangeOfRank(plan.microBatchCount({ kind: 'train', step }), this.#split, rank);
    const microBatches = end - start;
    const news = watch.observe({ workerId, step, ownMs: shardWaitMs + computeMs, microBatches });
    const reason = balancer?.observe({ workerId, computeMs, microBatches });
    for (const one of news) this.#tell(one, step, reason === undefined);
    if (reason !== undefined) regroup(reason);
  }

  /** @param isFinal whether nothing else is about to help */
  #tell({ workerId, kind, slowness, message }: StragglerNews, step: number, isFinal: boolean): void {
    const { log, excludes, sendAway } = this.#options;
    if (kind === 'keeps-up') {
      log.info({ workerId, step, slowness }, message);
      return;
    }
    log.warn({ workerId, step, slowness }, message);
    if (!excludes || !isFinal || !sendAway(workerId, message)) return;
    this.#excluded.set(workerId, `${message}; it was taken out, because stragglers.exclude is on`);
  }

  /** Why a worker may not be in this run; undefined for one that may. */
  reasonAgainst(workerId: string): string | undefined {
    return this.#excluded.get(workerId);
  }
}
