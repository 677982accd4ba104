/**
 * What somebody said of a run: the keys that come from flags, environment and file. A deployment carries these and no
 * defaults, so that it reads like the file that it came from.
 */
import { isMapping, mergeMappings, nest, type Mapping } from '@facet/shared';
import type { LoadedConfig } from '../config/load-config.js';

const SAID: ReadonlySet<string> = new Set(['flags', 'environment', 'file']);

/** The keys that were said, in the long form, with the values that they have. */
export function saidConfig({ config, sourceOf }: LoadedConfig): Mapping {
  return leavesOf(config as unknown as Mapping)
    .filter(([key]) => SAID.has(sourceOf(key)))
    .map(([key, value]) => nest(key, value))
    .reduce(mergeMappings, {});
}

/** Dotted keys and their values; a list is a value. */
export function leavesOf(mapping: Mapping, prefix = ''): [key: string, value: unknown][] {
  return Object.entries(mapping).flatMap(([name, value]): [string, unknown][] =>
    isMapping(value) ? leavesOf(value, `${prefix}${name}.`) : [[`${prefix}${name}`, value]],
  );
}

/** A mapping without some keys at its top. */
export function without(mapping: Mapping, keys: readonly string[]): Mapping {
  return Object.fromEntries(Object.entries(mapping).filter(([key]) => !keys.includes(key)));
}

/** A section without some of its keys, and without itself if nothing is left. */
export function withoutIn(mapping: Mapping, section: string, keys: readonly string[]): Mapping {
  const { [section]: inner, ...others } = mapping;
  if (!isMapping(inner)) return mapping;
  const left = without(inner, keys);
  return Object.keys(left).length === 0 ? others : { ...others, [section]: left };
}
