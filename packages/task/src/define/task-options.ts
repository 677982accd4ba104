/** The options of a task in a module: read by the task itself, and judged before anything is started. */
import type { TaskDefinition } from './define-task.js';

/** What a task has against one of its options. */
export interface OptionIssue {
  /** Below `task.options`; empty where it is about all of them. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Names at the path that the task does not know. */
  readonly unknown?: readonly string[];
}

export type ReadOptions =
  | { readonly ok: true; readonly options: unknown }
  | { readonly ok: false; readonly issues: readonly OptionIssue[]; readonly cause?: unknown };

/** The options as the model gets them, or what is wrong with them. Errors of zod have a place; others are about all options. */
export function readOptions({ options: schema }: Pick<TaskDefinition, 'options'>, given: unknown): ReadOptions {
  if (schema === undefined) {
    const names = Object.keys((given as object | undefined) ?? {});
    const takesNone = (name: string): OptionIssue => ({ path: [name], message: 'the task takes no options' });
    return names.length === 0 ? { ok: true, options: {} } : { ok: false, issues: names.map(takesNone) };
  }
  try {
    return { ok: true, options: schema.parse(given ?? {}) };
  } catch (cause) {
    return { ok: false, issues: issuesOf(cause), cause };
  }
}

/** The names of the options, where the schema says them as a schema of zod does. */
export function optionNames({ options: schema }: Pick<TaskDefinition, 'options'>): readonly string[] {
  const { shape } = (schema ?? {}) as { readonly shape?: unknown };
  return typeof shape === 'object' && shape !== null ? Object.keys(shape) : [];
}

/** In one line. */
export function optionsText(issues: readonly OptionIssue[]): string {
  return issues.map(({ path, message }) => `${path.map(String).join('.') || 'options'}: ${message}`).join('; ');
}

interface ZodIssue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

function issuesOf(caught: unknown): OptionIssue[] {
  const { issues } = caught as { readonly issues?: readonly ZodIssue[] };
  if (!Array.isArray(issues)) return [{ path: [], message: caught instanceof Error ? caught.message : String(caught) }];
  return (issues as readonly ZodIssue[]).map(({ code, path, message, keys }) => ({
    path,
    message,
    ...(code === 'unrecognized_keys' && keys !== undefined && { unknown: keys }),
  }));
}
