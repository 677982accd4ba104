/**
 * The problems that the schema itself finds, one sentence per key: the key, the actual value, where that came from, what is
 * expected, and the name that was probably meant.
 */
import type { z } from 'zod';
import { suggestion } from './closest-name.js';
import { choiceAdvice } from './engines.js';
import { variableOf } from './environment.js';
import { expectationAt, namesAt, shown } from './expectation.js';
import { keyMeantBy } from './key-aliases.js';
import { sourceAt, valueAt, type ConfigLayer, type Mapping } from './layers.js';
import { maskUrl } from '../wire/masked-url.js';
import { configSchema } from './schema.js';

/** Checks merged values against the schema. Several faults of one key are one problem. */
export function schemaProblems(merged: Mapping, layers: readonly ConfigLayer[]): readonly string[] {
  const parsed = configSchema.safeParse(merged);
  if (parsed.success) return [];
  const problems = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((name) => unknownKey([...issue.path, name], layers))
      : [wrongValue(issue, merged, layers)],
  );
  return [...new Set(problems)];
}

/** `key 3 (from where), expected this`. */
export function wrongAt(path: readonly PropertyKey[], merged: Mapping, layers: readonly ConfigLayer[]): string {
  const actual = valueAt(merged, path);
  const masked = typeof actual === 'string' && dotted(path) === 'nats.url' ? maskUrl(actual) : actual;
  return `${dotted(path)}: ${shown(masked)}${origin(path, layers)}`;
}

function wrongValue(issue: z.core.$ZodIssue, merged: Mapping, layers: readonly ConfigLayer[]): string {
  const actual = valueAt(merged, issue.path);
  const advice =
    issue.code === 'invalid_value' && typeof actual === 'string'
      ? choiceAdvice(
          actual,
          issue.values.filter((value) => typeof value === 'string'),
        )
      : '';
  return `${wrongAt(issue.path, merged, layers)}, expected ${expectationAt(issue.path)}${advice}`;
}

function unknownKey(path: readonly PropertyKey[], layers: readonly ConfigLayer[]): string {
  const name = String(path.at(-1));
  const above = path.slice(0, -1);
  return `${dotted(path)}: unknown key${origin(path, layers)}${keyAdvice(name, above)}`;
}

/** Suggests a sibling key with a similar name, or else the same name elsewhere in the configuration. */
function keyAdvice(name: string, above: readonly PropertyKey[]): string {
  const prefix = above.length === 0 ? '' : `${dotted(above)}.`;
  const beside = suggestion(
    `${prefix}${name}`,
    namesAt(above).map((known) => `${prefix}${known}`),
  );
  if (beside !== '') return beside;
  const elsewhere = keyMeantBy(name);
  if (elsewhere !== undefined) return `; did you mean ${elsewhere}?`;
  return `; expected one of ${namesAt(above).join(', ')}`;
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
