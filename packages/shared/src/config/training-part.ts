/** The half of a configuration that decides the arithmetic, and what identifies it in checksums. */
import { trainingSchema, type TrainingConfig } from './schema.js';

/**
 * Keys that were added later, with the value that was the only one before. A key with that value is left out of the identity
 * of a configuration. So runs and studies of earlier builds keep their checksums and can be continued.
 */
const LATER_KEYS = { gradientFormat: 'fp32', arithmetic: 1 } as const satisfies Partial<TrainingConfig>;

/** The training half of any configuration; keys that it lacks get their defaults. */
export function trainingPart(config: TrainingConfig): TrainingConfig {
  const keys = Object.keys(trainingSchema.shape) as (keyof TrainingConfig)[];
  return trainingSchema.parse(Object.fromEntries(keys.map((key) => [key, config[key]])));
}

/** The part of a configuration that checksums are taken over, keys in the order of the schema. */
export function trainingIdentity(config: TrainingConfig): Partial<TrainingConfig> {
  const isUnchanged = ([key, value]: [string, unknown]): boolean =>
    Object.entries(LATER_KEYS).some(([later, first]) => later === key && first === value);
  return Object.fromEntries(Object.entries(trainingPart(config)).filter((entry) => !isUnchanged(entry)));
}
