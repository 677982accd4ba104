/** Several ways to compute one operation in onnxruntime. */
import { z } from 'zod';
import { defineBench } from '../bench.js';
import { count, text } from '../options.js';

const options = {
  turns: count('turns of every candidate', { default: 20, small: 1, least: 1 }),
  only: text('TEXT', 'only operations whose model and name hold this text'),
};

const row = z.strictObject({
  model: z.string(),
  op: z.string(),
  shape: z.string(),
  candidate: z.string(),
  ms: z.number().positive(),
  /** Noise only ever adds: what a run takes when nobody else needs the processor. */
  undisturbedMs: z.number().positive(),
  /** Above 1 is faster than what the engine does now. */
  ratio: z.number().positive(),
  /** From what the engine does now, relative to the largest value of the same result. */
  maxDifference: z.number(),
});

export type OpsRow = z.infer<typeof row>;
export type OpsOptions = typeof options;

export const engineOpsDefinition = defineBench({
  name: 'engine-ops',
  summary: 'several ways to compute one operation in onnxruntime, one thread; it decides what programs use',
  options,
  shape: { row, figures: z.strictObject({}), ratios: z.strictObject({}) },
});
