/** Whole numbers with bounds, for the sections of the configuration. */
import { z } from 'zod';

export const positiveInteger = z.int().min(1);

/** From 1 to `most`. */
export const atMost = (most: number): z.ZodInt => positiveInteger.max(most);
