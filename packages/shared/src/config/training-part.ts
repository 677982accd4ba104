/** The half of a configuration that decides the arithmetic, and what identifies it in checksums. */
import { canonicalJson } from './canonical-json.js';
import { ADAMW_WITH_COSINE, type OptimizerConfig } from './optimizer-schema.js';
import { trainingSchema, type TrainingConfig } from './schema.js';

/**
 * Keys that were added later, with the value that was the only one before. A key with that value is left out of the identity
 * of a configuration. So runs and studies of earlier builds keep their checksums and can be continued.
 */
const LATER_KEYS: Partial<TrainingConfig> = { gradientFormat: 'fp32', arithmetic: 1, freeze: [], changes: [] };
/** The same inside the `optimizer` section. */
const LATER_OPTIMIZER_KEYS: Partial<OptimizerConfig> = ADAMW_WITH_COSINE;

/** The training half of any configuration; keys that it lacks get their defaults. */
export function trainingPart(config: TrainingConfig): TrainingConfig {
  const keys = Object.keys(trainingSchema.shape) as (keyof TrainingConfig)[];
  return trainingSchema.parse(Object.fromEntries(keys.map((key) => [key, config[key]])));
}

/** The part of a configuration that checksums are taken over, keys in the order of the schema. */
export function trainingIdentity(config: TrainingConfig): Readonly<Record<string, unknown>> {
  const { task, ...part } = trainingPart(config);
  // Where a machine has the module decides nothing.
  const own = task && { task: { sha256: task.sha256, options: task.options } };
  return withoutFirst({ ...part, ...own, optimizer: withoutFirst(part.optimizer, LATER_OPTIMIZER_KEYS) }, LATER_KEYS);
}

/** The members that differ from what they were when there was no choice. */
function withoutFirst(values: object, first: object): Record<string, unknown> {
  const isFirst = ([key, value]: [string, unknown]): boolean =>
    Object.entries(first).some(([later, only]) => later === key && canonicalJson(only) === canonicalJson(value));
  return Object.fromEntries(Object.entries(values).filter((entry) => !isFirst(entry)));
}
