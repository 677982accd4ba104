/** Values that are judged further although something else in the configuration is wrong. */
import type { z } from 'zod';

/** The value if the schema accepts it; unknown keys in it are reported elsewhere. Otherwise undefined. */
export function soundValue<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> | undefined {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const onlyUnknownKeys = parsed.error.issues.every((issue) => issue.code === 'unrecognized_keys');
  return onlyUnknownKeys ? (value as z.infer<Schema>) : undefined;
}
