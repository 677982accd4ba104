/**
 * The registry that every process starts with: prom-client's process and Node metrics, without three whose names promtool
 * rejects.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';

/** Gauges that are named like counters; nodejs_active_handles and its siblings say the same. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

export function createProcessRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return registry;
}
