/** The half of a configuration that decides the arithmetic, and what identifies it in checksums. */
import { trainingSchema, type TrainingConfig } from './schema.js';

/**
 * Keys that came later, with the value that was the only one before them. While they have it they are left out of what identifies a
 * configuration, so that runs and studies of earlier builds keep their checksums and can be continued.
 */
const LATER_KEYS = { gradientFormat: 'fp32', arithmetic: 1 } as const satisfies Partial<TrainingConfig>;

/** The training half of any configuration; keys that it lacks get their defaults. */
export function trainingPart(config: TrainingConfig): TrainingConfig {
  const keys = Object.keys(trainingSchema.shape) as (keyof TrainingConfig)[];
  return trainingSchema.parse(Object.fromEntries(keys.map((key) => [key, config[key]])));
}

/** What checksums of a configuration are taken over, keys in the order of the schema. */
export function trainingIdentity(config: TrainingConfig): Partial<TrainingConfig> {
  const isUnchanged = ([key, value]: [string, unknown]): boolean =>
    Object.entries(LATER_KEYS).some(([later, first]) => later === key && first === value);
  return Object.fromEntries(Object.entries(trainingPart(config)).filter((entry) => !isUnchanged(entry)));
}
