/**
 * Many schedules one after the other, each from a seed of its own, against the fault-free run. Whoever finds a violation
 * gets the seed, which is all that is needed to see it again.
 */
import { drawFaults } from './fault-schedule.js';
import type { Trace } from './silent-sinks.js';
import { simulate, type Observation } from './simulation.js';
import { createTinyRun, type TinyRun, type TinyRunOptions } from './tiny-run.js';
import { findViolations } from './verdict.js';

/** What a state is made of differs, what travels, and who computes what. */
const RUNS: readonly TinyRunOptions[] = [
  { emaDecay: 0 },
  { emaDecay: 0.9 },
  { emaDecay: 0, gradientFormat: 'int8', workers: 4, groupSize: 2 },
  { emaDecay: 0.9, gradientFormat: 'bf16', balance: true },
  { emaDecay: 0, hasStandby: true },
];

/** A run and what comes of it when nothing goes wrong. */
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
