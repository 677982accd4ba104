/** Resolves configurations for tests: what a user said on top of the least that must be said. */
import type { Mapping } from '../src/config/layers.js';
import { MULTI_VIEW, PRESETS } from '@facet/multiview/config';
import type { NamedTasks } from '../src/config/named-task.js';
import { resolveConfig, type ConfigInput } from '../src/config/resolve-config.js';
import type { RunConfig } from '../src/config/schema.js';

/** The system's own tests take the task that there is. It is compiled, so it knows this package by its name. */
export const tasks: NamedTasks = [MULTI_VIEW];
export const minimal = { run: 'demo', dataset: 'mnist' };
/** Presets change with what is measured; these tests do not. */
export const preset = PRESETS['mnist-fast'];

/** The configuration; throws with the problems where there are some. */
export function configOf(input: Partial<ConfigInput>): RunConfig {
  const resolved = resolveConfig({ tasks, environment: {}, flags: {}, ...input });
  if (!resolved.ok) throw new Error(resolved.problems.join('\n'));
  return resolved.config;
}

/** What is wrong with it. */
export function problemsOf(input: Partial<ConfigInput>): readonly string[] {
  const resolved = resolveConfig({ tasks, environment: {}, flags: {}, ...input });
  return resolved.ok ? [] : resolved.problems;
}

/** Flags beside the minimal ones. */
export function withFlags(flags: Mapping): Partial<ConfigInput> {
  return { flags: { ...minimal, ...flags } };
}
