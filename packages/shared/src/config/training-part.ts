/** The half of a configuration that decides the arithmetic, and what identifies it in checksums. */
import { canonicalJson } from './canonical-json.js';
import { fromFirstForm, inFirstForm } from './first-form.js';
import type { Mapping } from './layers.js';
import { ADAMW_WITH_COSINE, type OptimizerConfig } from './optimizer-schema.js';
import { operationSchema, trainingSchema, type TrainingConfig } from './schema.js';

/**
 * Keys that were added later, with the value that was the only one before. A key with that value is left out of the identity
 * of a configuration. So runs and studies of earlier builds keep their checksums and can be continued.
 */
const LATER_KEYS: Partial<TrainingConfig> = { gradientFormat: 'fp32', arithmetic: 1, freeze: [], changes: [] };
/** The same inside the `optimizer` section. */
const LATER_OPTIMIZER_KEYS: Partial<OptimizerConfig> = ADAMW_WITH_COSINE;

/** The training half of any configuration, whenever it was stored; keys that it lacks get their defaults. */
export function trainingPart(config: unknown): TrainingConfig {
  const stored = fromFirstForm(config) as Readonly<Record<string, unknown>>;
  const keys = Object.keys(trainingSchema.shape);
  return trainingSchema.parse(Object.fromEntries(keys.map((key) => [key, stored[key]])));
}

/** The members of a layer that are of the operational half: where and how a run is computed. */
export function operationPart(layer: Mapping): Mapping {
  return Object.fromEntries(Object.entries(layer).filter(([key]) => Object.hasOwn(operationSchema.shape, key)));
}

/** The part of a configuration that checksums are taken over. Its members are in the order that they have had since the first version. */
export function trainingIdentity(config: TrainingConfig): Readonly<Record<string, unknown>> {
  const part = trainingPart(config);
  const identity = inFirstForm({ ...part, optimizer: withoutFirst(part.optimizer, LATER_OPTIMIZER_KEYS) });
  return withoutFirst(identity, LATER_KEYS);
}

/** The members that differ from what they were when there was no choice. */
function withoutFirst(values: object, first: object): Record<string, unknown> {
  const isFirst = ([key, value]: [string, unknown]): boolean =>
    Object.entries(first).some(([later, only]) => later === key && canonicalJson(only) === canonicalJson(value));
  return Object.fromEntries(Object.entries(values).filter((entry) => !isFirst(entry)));
}
