/** Every example trained to its end, and one gradient of the convolutional one beside tfjs-cpu and PyTorch. */
import { z } from 'zod';
import { defineBench } from '../bench.js';
import { count, list, oneOf } from '../options.js';

export const EXAMPLES = ['layers-cnn', 'regression', 'gpt', 'two-cameras'] as const;
export type Example = (typeof EXAMPLES)[number];

const options = {
  examples: list('NAMES', `which to train: ${EXAMPLES.join(', ')}`, oneOf(EXAMPLES), {
    default: EXAMPLES,
    small: ['layers-cnn'],
  }),
  workers: count('workers of each training', { default: 2, small: 1, least: 1 }),
  turns: count('turns of everybody who computes the gradient', { default: 15, small: 1, least: 1 }),
};

const row = z.strictObject({
  example: z.enum(EXAMPLES),
  samples: z.int().positive(),
  epochs: z.int().positive(),
  steps: z.int().positive(),
  trainSeconds: z.number().positive(),
  samplesPerSecond: z.number().positive(),
  /** Of the last evaluation. */
  loss: z.number(),
  /** The task's own figures of the last evaluation, by name; `testAccuracy` where answers are classes. */
  figures: z.record(z.string(), z.number()),
  weightsSha256: z.string().length(64),
});

const figures = z.strictObject({
  /** Medians of one micro-batch of layers-cnn, forward and backward, in milliseconds. */
  capturedMs: z.number().positive(),
  /** The same on an engine thread: with copies and messages. */
  inTrainingMs: z.number().positive(),
  tfjsCpuMs: z.number().positive(),
  pytorchMs: z.number().positive().optional(),
  pytorchChannelsLastMs: z.number().positive().optional(),
  /** Relative to the largest number of each tensor. */
  inTrainingDeviation: z.number().nonnegative(),
  tfjsCpuDeviation: z.number().nonnegative(),
  pytorchDeviation: z.number().nonnegative().optional(),
});

/** How many times as fast the captured program is. */
const ratios = z.strictObject({
  /** What the engine thread costs. */
  inTraining: z.number().positive(),
  tfjsCpu: z.number().positive(),
  pytorchEager: z.number().positive().optional(),
  /** The same with images and filters in PyTorch's order for convolutions, which its users have to ask for. */
  pytorchChannelsLast: z.number().positive().optional(),
});

export type ExamplesRow = z.infer<typeof row>;
export type ExamplesFigures = z.infer<typeof figures>;
export type ExamplesRatios = z.infer<typeof ratios>;
export type ExamplesOptions = typeof options;

export const examplesDefinition = defineBench({
  name: 'examples',
  summary: 'every example trained in full; a gradient of layers-cnn beside tfjs-cpu and PyTorch',
  options,
  shape: { row, figures, ratios },
});
