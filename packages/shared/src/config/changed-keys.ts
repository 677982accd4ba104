/**
 * Compares the half of two configurations that decides the arithmetic. A resume must not change that half; the message
 * names the keys that it would change.
 */
import { canonicalJson } from './canonical-json.js';
import { isMapping } from './layers.js';
import { trainingSchema, type TrainingConfig } from './schema.js';

/** Where a machine has the module decides nothing; `task.sha256` says what is in it. */
const WHERE_THE_TASK_LIES = 'task.module';

/** Dotted keys, in the order of the schema, whose values differ; a list counts as one value. */
export function changedTrainingKeys(before: TrainingConfig, after: TrainingConfig): string[] {
  const keys = Object.keys(trainingSchema.shape) as (keyof TrainingConfig)[];
  return keys.flatMap((key) => changesBelow(key, before[key], after[key])).filter((key) => key !== WHERE_THE_TASK_LIES);
}

function changesBelow(key: string, before: unknown, after: unknown): string[] {
  if (isMapping(before) && isMapping(after)) {
    const members = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...members].flatMap((member) => changesBelow(`${key}.${member}`, before[member], after[member]));
  }
  return isSame(before, after) ? [] : [key];
}

function isSame(before: unknown, after: unknown): boolean {
  if (before === undefined || after === undefined) return before === after;
  return canonicalJson(before) === canonicalJson(after);
}
