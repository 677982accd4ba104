/** What a rehearsal found, as it is printed and stored. Times are in milliseconds. */
import type { MessageBytes } from './crew-messages.js';

/** One number of workers. */
export interface RehearsedSize {
  readonly workers: number;
  /** Simulated workers' processes. */
  readonly processes: number;
  readonly steps: number;
  /** What the arithmetic of a step takes in it. */
  readonly workMs: number;
  /** From when all members could begin a step until all could begin the next one, less the arithmetic. */
  readonly overheadP50Ms: number;
  readonly overheadP99Ms: number;
  /** From the first Hello until all members were told Start. */
  readonly joinMs: number;
  /** From the first report of a step until its commit is on disk, median. */
  readonly commitMs: number;
  /** Of one core, while steps are trained; undefined where the system does not say. */
  readonly coordinatorCpuShare: number | undefined;
  /** Of the coordinator's processor, for one step. */
  readonly coordinatorCpuMsPerStep: number | undefined;
  readonly coordinatorMB: number | undefined;
  readonly coordinatorPeakMB: number | undefined;
  /** One message of each kind. */
  readonly messageBytes: MessageBytes;
  /** All Forms of a generation. */
  readonly formBytes: number;
  /** All messages that a step needs. */
  readonly stepBytes: number;
  /** At the coordinator's port for metrics. */
  readonly series: number;
  readonly kill: RehearsedLoss;
  /** From the Hello of as many new workers as were killed until all train together. */
  readonly rejoinMs: number;
  readonly failover: RehearsedLoss;
  /** Promises that were broken, one sentence each. */
  readonly violations: readonly string[];
}

/** Workers or a coordinator were killed. */
export interface RehearsedLoss {
  /** How many workers. */
  readonly killed: number;
  /** Until all that are left were told Start. */
  readonly toStartMs: number;
  /** Until the next step was committed; the arithmetic of that step is in it. */
  readonly toStepMs: number;
}

export interface RehearsalReport {
  readonly sizes: readonly RehearsedSize[];
  readonly violations: number;
}

/** The value below which a share of the values lies; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
