/**
 * A task that a configuration names instead of a module: what a configuration must know of it. Whoever resolves a configuration
 * hands in the tasks that there are; this package knows none.
 */
import type { z } from 'zod';
import type { KnownDataset } from '../datasets/registry.js';
import type { EngineWish } from './engines.js';
import type { Mapping } from './layers.js';
import type { TrainingConfig } from './schema.js';

/** The training half of a configuration, without the name of the preset that it is. */
export type TaskPreset = Omit<TrainingConfig, 'preset'>;

/** A task by its name. */
export interface NamedTask {
  /** As in `task.name`. */
  readonly name: string;
  /** In a sentence: `the multi-view model`. */
  readonly title: string;
  /** Of `task.options`. Each of its keys may also stand at the top of a configuration, where it means the same. */
  readonly options: z.ZodObject;
  readonly presets: Readonly<Record<string, TaskPreset>>;
  /** The names of the presets that were made for such data, the one to take where none is named first. */
  readonly presetsFor: (dataset: KnownDataset) => readonly string[];
  /** Options that `--adversarial` sets. */
  readonly attacked: (dataset: KnownDataset | undefined) => Mapping;
  /** What is wrong between options, one sentence each. */
  readonly problems: (options: SaidOptions) => readonly string[];
}

/** The tasks that a configuration may name. Where it names none, the first one is meant. */
export type NamedTasks = readonly [NamedTask, ...NamedTask[]];

/** The options of a configuration before they are known to be sound, and what they are judged by. */
export interface SaidOptions {
  readonly options: Mapping;
  /** Undefined where it is unknown or wrong. */
  readonly dataset: KnownDataset | undefined;
  readonly engine: EngineWish['name'] | undefined;
  /** A key below `task.options` as the user spells it: `model.depth`, or `task.options.model.depth`. */
  readonly keyName: (key: string) => string;
}

/** The keys of a task that may stand at the top of a configuration. */
export function shortKeysOf(task: NamedTask | undefined): readonly string[] {
  return task === undefined ? [] : Object.keys(task.options.shape);
}
