/** What the training recipe and the seals of shards cost on one core, without an engine. */
import { z } from 'zod';
import { defineBench } from '../bench.js';
import { count } from '../options.js';

const options = { turns: count('turns, of which the best counts', { default: 20, small: 1, least: 1 }) };

const row = z.strictObject({
  what: z.string(),
  value: z.number().positive(),
  unit: z.enum(['images/s', 'ms per million parameters', 'MB/s']),
});

export type RecipeRow = z.infer<typeof row>;
export type RecipeOptions = typeof options;

export const recipeDefinition = defineBench({
  name: 'recipe',
  summary: 'what augmentation, averaged weights and the seals of shards cost one core',
  options,
  shape: { row, figures: z.strictObject({}), ratios: z.strictObject({}) },
});
