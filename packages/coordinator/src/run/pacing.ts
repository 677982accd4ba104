/**
 * What is done about workers of unequal speed, because a step takes as long as its slowest rank: a straggler is named, and on
 * request sent away and kept away; on request shares follow the measured speed.
 */
import type { StepDone } from '@facet/proto';
import type { Logger } from '@facet/telemetry';
import type { Balancer } from './balancer.js';
import type { StragglerWatch } from './straggler-watch.js';

export interface PacingRules {
  readonly watch: StragglerWatch;
  /** Whether stragglers are sent away. */
  readonly excludes: boolean;
  /** Absent: shares are even. */
  readonly balancer: Balancer | undefined;
}

export interface PacingOptions extends PacingRules {
  readonly log: Logger;
  /** Lets a member go; false when the run cannot do without it, or it goes anyway. */
  readonly sendAway: (workerId: string, reason: string) => boolean;
  /** Ends the generation without loss, for one with other shares. */
  readonly regroup: (reason: string) => void;
}

export class Pacing {
  readonly #options: PacingOptions;
  /** Workers that were sent away, and why. */
  readonly #excluded = new Map<string, string>();

  constructor(options: PacingOptions) {
    this.#options = options;
  }

  /** A generation begins. Returns the micro-batches of a full step for each member, in rank order; none when they are even. */
  begin(members: readonly string[]): readonly number[] {
    this.#options.watch.begin(members.length);
    return this.#options.balancer?.begin(members) ?? [];
  }

  /** A member of the running generation finished a step. */
  observe(workerId: string, { step, localSamples: samples, timings }: StepDone): void {
    const { watch, log, excludes, balancer, sendAway, regroup } = this.#options;
    if (timings === null || timings === undefined) return;
    const { shardWaitMs, computeMs } = timings;
    for (const news of watch.observe({ workerId, step, ownMs: shardWaitMs + computeMs, samples })) {
      const { kind, slowness, message } = news;
      const facts = { workerId: news.workerId, step, slowness };
      if (kind === 'keeps-up') log.info(facts, message);
      else log.warn(facts, message);
      if (kind === 'keeps-up' || !excludes || !sendAway(news.workerId, message)) continue;
      this.#excluded.set(news.workerId, `${message}; it was taken out, because stragglers.exclude is on`);
    }
    const reason = balancer?.observe({ workerId, computeMs, samples });
    if (reason !== undefined) regroup(reason);
  }

  /** Why a worker may not be in this run; undefined for one that may. */
  reasonAgainst(workerId: string): string | undefined {
    return this.#excluded.get(workerId);
  }
}
