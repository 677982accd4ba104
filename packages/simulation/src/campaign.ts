/**
 * Many schedules one after the other, each from a seed of its own, compared with the fault-free run. A violation is reported
 * with its seed, which is enough to see it again.
 */
import { drawFaults } from './fault-schedule.js';
import type { Trace } from './silent-sinks.js';
import { simulate, type Observation } from './simulation.js';
import { createTinyRun, type TinyRun, type TinyRunOptions } from './tiny-run.js';
import { findViolations } from './verdict.js';

/** The kinds of runs. They differ in the parts of a state, in the format of gradients, in who computes what, and in their end. */
const RUNS: readonly TinyRunOptions[] = [
  { emaDecay: 0 },
  { emaDecay: 0.9 },
  { emaDecay: 0, gradientFormat: 'int8', workers: 4, groupSize: 2 },
  { emaDecay: 0.9, gradientFormat: 'bf16', balance: true },
  { emaDecay: 0, hasStandby: true },
  { emaDecay: 0, hasStandby: true, stopWhen: ['patience=1'] },
  { emaDecay: 0.9, hasStandby: true, hasStore: true },
];

/** A run and its result without faults. */
interface Measure {
  readonly run: TinyRun;
  readonly expected: Observation;
}

export interface CheckedSchedule {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly seen: Observation;
}

export interface Campaign {
  /** Runs the schedule of a seed; with a trace, every log line of every process goes there. */
  check(seed: number, trace?: Trace): Promise<CheckedSchedule>;
}

/** Prepares a campaign: the fault-free runs come first. */
export async function openCampaign(): Promise<Campaign> {
  const measures: Measure[] = [];
  for (const options of RUNS) {
    const run = createTinyRun(options);
    measures.push({ run, expected: await simulate({ run, seed: 0, faults: [] }) });
  }
  return {
    async check(seed, trace) {
      const { run, expected } = measures[seed % measures.length]!;
      const seen = await simulate({ run, seed, faults: drawFaults(seed), trace });
      return { seed, violations: findViolations(seen, expected), seen };
    },
  };
}
