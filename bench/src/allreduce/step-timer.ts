/**
 * Times steps of a rank: milliseconds of each, CPU seconds of the process, and how long its event loop was blocked at most.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;

/** The answer of every rank to {kind: 'steps'}. */
export interface TimedSteps {
  readonly milliseconds: readonly number[];
  readonly cpuSeconds: number;
  /** Absent for a rank without an event loop. */
  readonly blockedMs?: number;
}

/** Takes steps one after the other. */
export async function timeSteps(count: number, step: () => Promise<unknown>): Promise<TimedSteps> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const milliseconds: number[] = [];
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
