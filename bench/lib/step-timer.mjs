/**
 * Times steps of a rank: milliseconds of each, CPU seconds of the process, and how long its event loop was blocked at most.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;

export async function timeSteps(count, step) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const milliseconds = [];
  const cpuBefore = process.cpuUsage();
  delay.enable();
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now();
    await step();
    milliseconds.push(performance.now() - startedAt);
  }
  delay.disable();
  const { user, system } = process.cpuUsage(cpuBefore);
  return { milliseconds, cpuSeconds: (user + system) / 1e6, blockedMs: delay.max / 1e6 };
}
