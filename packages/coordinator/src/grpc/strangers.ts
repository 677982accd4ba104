/** Counts and logs who was turned away because they did not show the run's token, without filling the log. */
import type { Logger } from '@facet/telemetry';
import type { Metrics } from '../metrics/metrics.js';

/** Called with the reason for every one. The 1st, 2nd, 4th, 8th and so on is logged. */
export function strangerCounter(metrics: Pick<Metrics, 'strangers'>, log: Logger): (reason: string) => void {
  let count = 0;
  return (reason) => {
    count += 1;
    metrics.strangers.inc();
    if (Number.isInteger(Math.log2(count))) log.warn({ strangers: count }, reason);
  };
}
