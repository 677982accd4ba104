/** How a coordinator that was started by itself waits for a broker that is not up yet: on a cluster both start at once. */
import { systemClock, type BrokerPatience } from '@facet/shared';
import type { Logger } from '@facet/telemetry';

export interface PatienceOptions {
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly log: Pick<Logger, 'warn'>;
}

/** Patience that says once that it waits, however many connections wait. */
export function createBrokerPatience({ limitMs, signal, log }: PatienceOptions): BrokerPatience {
  let hasTold = false;
  return {
    limitMs,
    clock: systemClock,
    signal,
    onWait: ({ message }) => {
      if (!hasTold) log.warn({ reason: message, limitMs }, 'the broker does not answer yet; waiting for it');
      hasTold = true;
    },
  };
}
