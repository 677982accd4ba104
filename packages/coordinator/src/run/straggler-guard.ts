/**
 * What is done about a straggler: it is logged, and on request it is sent away and kept away.
 */
import type { StepDone } from '@facet/proto';
import type { Logger } from '@facet/telemetry';
import type { StragglerWatch } from './straggler-watch.js';

export interface StragglerGuardOptions {
  readonly watch: StragglerWatch;
  readonly log: Logger;
  /** Lets a member go; false when the run cannot do without it, or it goes anyway. Absent: nobody is sent away. */
  readonly sendAway: ((workerId: string, reason: string) => boolean) | undefined;
}

export class StragglerGuard {
  readonly #options: StragglerGuardOptions;
  /** Workers that were sent away, and why. */
  readonly #excluded = new Map<string, string>();

  constructor(options: StragglerGuardOptions) {
    this.#options = options;
  }

  /** A member of the running generation finished a step. */
  observe(member: string, { step, localSamples: samples, timings }: StepDone): void {
    const { watch, log, sendAway } = this.#options;
    if (timings === null || timings === undefined) return;
    const ownMs = timings.shardWaitMs + timings.computeMs;
    for (const { workerId, kind, slowness, message } of watch.observe({ workerId: member, step, ownMs, samples })) {
      if (kind === 'keeps-up') {
        log.info({ workerId, step, slowness }, message);
        continue;
      }
      log.warn({ workerId, step, slowness }, message);
      if (sendAway?.(workerId, message) !== true) continue;
      this.#excluded.set(workerId, `${message}; it was taken out, because stragglers.exclude is on`);
    }
  }

  /** Why a worker may not be in this run; undefined for one that may. */
  reasonAgainst(workerId: string): string | undefined {
    return this.#excluded.get(workerId);
  }
}
