/** What strangers at the ports of a training run cost it: memory of its processes, and speed. */
import { z } from 'zod';
import { defineBench } from '../bench.js';
import { count } from '../options.js';

const options = {
  strangers: count('connections of every attack', { default: 100, small: 8, least: 1 }),
  seconds: count('that every attack lasts', { default: 10, small: 1, least: 1 }),
  width: count('of the model; wider models have a larger state', { default: 256, small: 32, least: 32 }),
};

const row = z.strictObject({
  attack: z.string(),
  port: z.enum(['coordinator', 'coordinator-http', 'worker', 'worker-http']),
  /** Connections or calls that stayed open until the end, and those that were closed or refused. */
  open: z.int().nonnegative(),
  closed: z.int().nonnegative(),
  sentMB: z.number().nonnegative(),
  /** Largest resident set while it lasted, over the largest of the calm time before it. */
  coordinatorRiseMB: z.number(),
  workerRiseMB: z.number(),
  /** Steps committed while it lasted. The run must go on. */
  steps: z.int().nonnegative(),
});

const figures = z.strictObject({
  strangers: z.int(),
  seconds: z.int(),
  /** Parameters and optimizer state that a peer may ask for. */
  stateMB: z.number(),
  coordinatorCalmMB: z.number(),
  workerCalmMB: z.number(),
  worstCoordinatorRiseMB: z.number(),
  worstWorkerRiseMB: z.number(),
});

/** Steps per second under all attacks, of those in the calm times between them. */
const ratios = z.strictObject({ speed: z.number().positive() });

export type StrangersRow = z.infer<typeof row>;
export type StrangersFigures = z.infer<typeof figures>;
export type StrangersRatios = z.infer<typeof ratios>;
export type StrangersOptions = typeof options;

export const strangersDefinition = defineBench({
  name: 'strangers',
  summary: 'what clients without any right cost a training run in memory and speed',
  options,
  shape: { row, figures, ratios },
});
