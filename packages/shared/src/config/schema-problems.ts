/**
 * The problems that the schema itself finds, one sentence per key: the key, the actual value, where that came from, what is
 * expected, and the name that was probably meant.
 */
import type { z } from 'zod';
import { suggestion } from './closest-name.js';
import type { ConfigKeys } from './config-keys.js';
import { choiceAdvice } from './engines.js';
import { variableOf } from './environment.js';
import { shown } from './expectation.js';
import { keyMeantBy } from './key-aliases.js';
import { sourceAt, valueAt, type ConfigLayer, type Mapping } from './layers.js';
import { writtenPath } from './short-keys.js';
import { maskUrl } from '../wire/masked-url.js';

/** A configuration that is judged. */
export interface JudgedConfig {
  /** All layers in one, in the long form. */
  readonly merged: Mapping;
  readonly layers: readonly ConfigLayer[];
  readonly keys: ConfigKeys;
}

/** Checks merged values against the schema. Several faults of one key are one problem. */
export function schemaProblems(judged: JudgedConfig): readonly string[] {
  const parsed = judged.keys.schema.safeParse(judged.merged);
  if (parsed.success) return [];
  const problems = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((name) => unknownKey([...issue.path, name], judged))
      : [wrongValue(issue, judged)],
  );
  return [...new Set(problems)];
}

/** `key 3 (from where), expected this`. */
export function wrongAt(path: readonly PropertyKey[], judged: JudgedConfig): string {
  const actual = valueAt(judged.merged, path);
  const masked = typeof actual === 'string' && /^nats\.(url|workerUrl)$/.test(dotted(path)) ? maskUrl(actual) : actual;
  return `${keyText(path, judged)}: ${shown(masked)}${origin(path, judged.layers)}`;
}

/** A key as the user wrote it. */
export function keyText(path: readonly PropertyKey[], { layers, keys }: Omit<JudgedConfig, 'merged'>): string {
  return dotted(writtenPath(path, layers, keys.shortKeys));
}

/** `key: unknown key (from where)`. */
export function unknownAt(path: readonly PropertyKey[], judged: JudgedConfig): string {
  return `${keyText(path, judged)}: unknown key${origin(path, judged.layers)}`;
}

function wrongValue(issue: z.core.$ZodIssue, judged: JudgedConfig): string {
  const actual = valueAt(judged.merged, issue.path);
  const advice =
    issue.code === 'invalid_value' && typeof actual === 'string'
      ? choiceAdvice(
          actual,
          issue.values.filter((value) => typeof value === 'string'),
        )
      : '';
  return `${wrongAt(issue.path, judged)}, expected ${judged.keys.expectationAt(issue.path)}${advice}`;
}

function unknownKey(path: readonly PropertyKey[], judged: JudgedConfig): string {
  const name = String(path.at(-1));
  const written = writtenPath(path, judged.layers, judged.keys.shortKeys);
  const advice = keyAdvice(name, written.slice(0, -1), judged.keys);
  return `${unknownAt(path, judged)}${advice}`;
}

/** Suggests a sibling key with a similar name, or else the same name elsewhere in the configuration. */
function keyAdvice(name: string, above: readonly PropertyKey[], keys: ConfigKeys): string {
  const prefix = above.length === 0 ? '' : `${dotted(above)}.`;
  const names = keys.namesAt(above);
  const beside = suggestion(
    `${prefix}${name}`,
    names.map((known) => `${prefix}${known}`),
  );
  if (beside !== '') return beside;
  const elsewhere = keyMeantBy(name, keys.all);
  if (elsewhere !== undefined) return `; did you mean ${elsewhere}?`;
  return `; expected one of ${names.join(', ')}`;
}

function origin(path: readonly PropertyKey[], layers: readonly ConfigLayer[]): string {
  const source = sourceAt(layers, path);
  switch (source) {
    case 'flags':
      return ' (from the command line)';
    case 'environment':
      return ` (from ${variableOf(dotted(path)) ?? 'the environment'})`;
    case 'file':
      return ' (from the file)';
    case 'preset':
    case 'default':
      return '';
    default:
      return source satisfies never;
  }
}

function dotted(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, name) => (typeof name === 'number' ? `${text}[${name}]` : `${text === '' ? '' : `${text}.`}${String(name)}`),
    '',
  );
}
