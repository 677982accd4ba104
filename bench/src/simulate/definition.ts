/** Fault schedules against the real state machines, in virtual time. */
import { z } from 'zod';
import { defineBench } from '../bench.js';
import { count, flag, optionalCount } from '../options.js';

const options = {
  schedules: count('schedules to run', { default: 1_000, small: 20, least: 1 }),
  from: count('seed of the first', { default: 1 }),
  seed: optionalCount('run the schedule of this seed alone'),
  trace: flag('print every log line of every process on stderr'),
};

/** A schedule that broke a promise. */
const row = z.strictObject({ seed: z.int(), violations: z.array(z.string()).min(1) });

const figures = z.strictObject({
  schedules: z.int().positive(),
  firstSeed: z.int(),
  faults: z.int(),
  failed: z.int(),
  seconds: z.number().positive(),
  schedulesPerCpuSecond: z.number().positive(),
  virtualHours: z.number().positive(),
});

export type SimulateRow = z.infer<typeof row>;
export type SimulateFigures = z.infer<typeof figures>;
export type SimulateOptions = typeof options;

export const simulateDefinition = defineBench({
  name: 'simulate',
  summary: 'fault schedules in virtual time; any broken promise fails',
  options,
  shape: { row, figures, ratios: z.strictObject({}) },
});
