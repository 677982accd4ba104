/** The fuzz tests of everything that a peer can send, with many times their cases. */
import { z } from 'zod';
import { defineBench } from '../bench.js';
import { count } from '../options.js';

const options = {
  scale: count('times the cases of npm test; 100 makes a million', { default: 100, small: 1, least: 1 }),
};

const row = z.strictObject({ file: z.string(), tests: z.int().positive(), failed: z.int() });
const figures = z.strictObject({ scale: z.int().positive(), seconds: z.number().positive() });

export type FuzzRow = z.infer<typeof row>;
export type FuzzFigures = z.infer<typeof figures>;
export type FuzzOptions = typeof options;

export const fuzzDefinition = defineBench({
  name: 'fuzz',
  summary: 'a million bad messages; any that is neither taken nor refused properly fails',
  options,
  shape: { row, figures, ratios: z.strictObject({}) },
});
