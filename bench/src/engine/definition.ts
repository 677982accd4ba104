/** One engine thread against its own matrix product, PyTorch, PyTorch DDP and tfjs's CPU and WebAssembly backends. */
import { z } from 'zod';
import { defineBench } from '../bench.js';
import { count } from '../options.js';

const options = { turns: count('turns of everybody', { default: 5, small: 1, least: 1 }) };

const row = z.strictObject({
  model: z.string(),
  engine: z.string(),
  /** Absent for the matrix product. */
  imagesPerSecond: z.number().positive().optional(),
  /** By the formula of the model, and as a share of the matrix product. */
  gflops: z.number().positive().optional(),
  percentOfGemm: z.number().positive().optional(),
  /** By the matrix products that the program really holds. */
  countedGflops: z.number().positive().optional(),
  countedPercentOfGemm: z.number().positive().optional(),
  nodes: z.int().positive().optional(),
  /** Capture, passes and session. */
  setupMs: z.number().positive().optional(),
});

const numbers = z.record(z.string(), z.number());

export type EngineRow = z.infer<typeof row>;
export type EngineOptions = typeof options;

export const engineDefinition = defineBench({
  name: 'engine',
  summary: 'one engine thread beside its own matrix product, PyTorch, PyTorch DDP and tfjs; set-up time and memory',
  options,
  shape: {
    row,
    /** The larger model's keys have no prefix; `small` and the names of presets are prefixes. */
    figures: z.intersection(z.object({ memoryGrowthMB: z.number(), memorySettledMB: z.number() }), numbers),
    /** Of images per second: above 1 is faster than what the key names. */
    ratios: numbers,
  },
});
