/** How fast stores of runs take and give checkpoints, and how long a record of the ledger takes there. */
import { z } from 'zod';
import { defineBench } from '../bench.js';
import { count, text } from '../options.js';

const options = {
  most: count('size of the largest checkpoint, in MB', { default: 500, small: 5, least: 5 }),
  appends: count('records of the ledger that are measured', { default: 1_000, small: 60, least: 20 }),
  place: text(
    'PLACE',
    'another store beside a folder and NATS, such as s3://BUCKET/PREFIX; keys are in the environment',
  ),
};

/** One store, one size. */
const row = z.strictObject({
  store: z.string(),
  mb: z.int().positive(),
  putSeconds: z.number().positive(),
  getSeconds: z.number().positive(),
  /** CPU time of this process while it put and got. */
  cpuSeconds: z.number().nonnegative(),
  /** The longest time for which this process did nothing else while it put. */
  stallMs: z.number().nonnegative(),
  /** Memory that this process had more at its most. */
  memoryMb: z.number(),
});

const latency = z.strictObject({ p50Ms: z.number().positive(), p99Ms: z.number().positive() });

const figures = z.strictObject({
  /** Of a record, by store, with nothing else going on. */
  append: z.record(z.string(), latency),
  /** The same while the largest checkpoint is put. */
  appendBesideUpload: z.record(z.string(), latency),
});

export type StoreRow = z.infer<typeof row>;
export type Latency = z.infer<typeof latency>;
export type StoreFigures = z.infer<typeof figures>;
export type StoreOptions = typeof options;

export const storeDefinition = defineBench({
  name: 'store',
  summary: 'checkpoints and records in a folder, in NATS and where else a run may live',
  options,
  shape: { row, figures, ratios: z.record(z.string(), z.number().positive()) },
});
