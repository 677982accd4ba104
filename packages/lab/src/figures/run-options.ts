/**
 * What a run is configured to, for other tools: the part that decides the arithmetic. Where and by whom a run is computed
 * stays here: what people publish names no host, no path and no login.
 */
import path from 'node:path';
import {
  configSchema,
  fromFirstForm,
  moduleTask,
  OPERATION_DEFAULTS,
  readRegularText,
  trainingPart,
  type RunConfig,
  type TrainingConfig,
} from '@facet/shared';
import type { HParams } from './tensorboard/events.js';

const MOST_CONFIG_BYTES = 1 << 20;

/**
 * The configuration in a run's folder. A module of a task of one's own is not loaded: what it would add, nothing here reads.
 *
 * @returns what is wrong with it, where it cannot be used
 */
export async function runConfigAt(
  file: string,
): Promise<{ readonly ok: true; readonly config: RunConfig } | { readonly ok: false; readonly reason: string }> {
  let stored: unknown;
  try {
    stored = JSON.parse(await readRegularText(file, MOST_CONFIG_BYTES));
  } catch (caught) {
    return { ok: false, reason: (caught as Error).message };
  }
  const run = path.basename(path.dirname(path.resolve(file)));
  const parsed = configSchema.safeParse(fromFirstForm({ ...OPERATION_DEFAULTS, run, ...(stored as object) }));
  if (parsed.success) return { ok: true, config: parsed.data };
  const [issue] = parsed.error.issues;
  return {
    ok: false,
    reason: `${issue?.path.join('.') || 'config'}: ${issue?.message ?? 'it is not of this version'}`,
  };
}

/** The part of a configuration that may be shown anywhere. */
export function shownConfig(config: RunConfig): TrainingConfig {
  const training = trainingPart(config);
  const module = moduleTask(config);
  if (module === undefined) return training;
  return { ...training, task: { ...module, module: path.basename(module.module) } };
}

/** Options by their keys, as the configuration has them; a list is JSON. */
export function hparamsOf(training: TrainingConfig): HParams {
  return Object.fromEntries(flattened('', training));
}

function flattened(key: string, value: unknown): [string, string | number | boolean][] {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [[key, value]];
  if (Array.isArray(value)) return value.length === 0 ? [] : [[key, JSON.stringify(value)]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => flattened(key === '' ? name : `${key}.${name}`, member));
}
