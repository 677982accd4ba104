/** How many workers a coordinator carries: `facet rehearse` with several numbers of them. */
import { z } from 'zod';
import { defineBench } from '../bench.js';
import { count, list, wholeNumber } from '../options.js';

const options = {
  workers: list('N,N,...', 'numbers of workers, one after the other', wholeNumber(2), {
    default: [10, 50, 100, 256, 500, 1_000],
    small: [10],
  }),
  steps: count('that are measured', { default: 40, small: 3, least: 1 }),
  'step-ms': count('what the arithmetic of a step would take', { default: 250, small: 20 }),
};

const milliseconds = z.number().nonnegative();

const row = z.strictObject({
  workers: z.int().positive(),
  /** From when all could begin a step until all could begin the next one, less the arithmetic. Timers may be early. */
  overheadP50Ms: z.number(),
  overheadP99Ms: z.number(),
  /** First Hello to Start. */
  joinMs: milliseconds,
  /** First report of a step to its commit on disk. */
  commitMs: z.number(),
  /** Of one core. */
  coordinatorCpuShare: z.number().nonnegative().optional(),
  coordinatorCpuMsPerStep: milliseconds.optional(),
  coordinatorMB: z.number().positive().optional(),
  coordinatorPeakMB: z.number().positive().optional(),
  formBytesOfOne: z.int().positive(),
  formBytes: z.int().positive(),
  stepBytes: z.int().positive(),
  series: z.int().positive(),
  killed: z.int().positive(),
  killedToStartMs: milliseconds,
  killedToStepMs: milliseconds,
  /** As many new workers as were killed: Hello to Start. */
  rejoinMs: milliseconds,
  failoverToStartMs: milliseconds,
  failoverToStepMs: milliseconds,
});

/** Of the most workers. */
const figures = z.strictObject({
  workers: z.int().positive(),
  stepMs: z.int().nonnegative(),
  overheadP99Ms: z.number(),
  peakMB: z.number().optional(),
  killedToStepMs: milliseconds,
});

/** The most workers against the fewest, each for one worker. 1: the cost grows as the workers do. */
const ratios = z.strictObject({
  cpuPerWorkerAndStep: z.number().positive().optional(),
  formBytesPerWorker: z.number().positive(),
});

export type RehearseRow = z.infer<typeof row>;
export type RehearseFigures = z.infer<typeof figures>;
export type RehearseRatios = z.infer<typeof ratios>;
export type RehearseOptions = typeof options;

export const rehearseDefinition = defineBench({
  name: 'rehearse',
  summary: 'how many workers a coordinator carries: step overhead, joins, losses, memory (workers compute nothing)',
  options,
  shape: { row, figures, ratios },
});
