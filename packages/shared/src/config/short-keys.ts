/**
 * Short keys: an option of a named task may be set at the top of a configuration, so `model.depth` is `task.options.model.depth`. A
 * configuration is stored in the long form. Messages name a key as the user wrote it.
 */
import { isMapping, mergeMappings, sourceLayerAt, valueAt, type ConfigLayer, type Mapping } from './layers.js';
import { shortKeysOf, type NamedTasks } from './named-task.js';

type Path = readonly PropertyKey[];

const OPTIONS: Path = ['task', 'options'];

/** The layer with its short keys in the long form. */
export function inLongForm(layer: ConfigLayer, shortKeys: readonly string[]): ConfigLayer {
  const short = shortKeys.filter((key) => Object.hasOwn(layer.values, key));
  if (short.length === 0) return layer;
  const others = Object.fromEntries(Object.entries(layer.values).filter(([key]) => !short.includes(key)));
  const options = Object.fromEntries(short.map((key) => [key, layer.values[key]]));
  return { ...layer, values: mergeMappings({ task: { options } }, others), short };
}

/** Leaves of one layer that are set in both forms, as `short key, long key` are different: one sentence each. */
export function twiceSet({ values }: ConfigLayer, shortKeys: readonly string[]): string[] {
  return shortKeys.flatMap((key) =>
    commonLeaves(values[key], valueAt(values, [...OPTIONS, key]), key).map(
      (leaf) => `${leaf}: also set as ${OPTIONS.join('.')}.${leaf}, expected one of the two: they are the same key`,
    ),
  );
}

function commonLeaves(one: unknown, other: unknown, at: string): string[] {
  if (one === undefined || other === undefined) return [];
  if (!isMapping(one) || !isMapping(other)) return [at];
  return Object.keys(one).flatMap((key) => commonLeaves(ownValue(one, key), ownValue(other, key), `${at}.${key}`));
}

function ownValue(mapping: Mapping, key: string): unknown {
  return Object.hasOwn(mapping, key) ? mapping[key] : undefined;
}

/** The long form of a path that may begin with a short key. */
export function longPath(path: Path, shortKeys: readonly string[]): Path {
  return shortKeys.includes(String(path[0])) ? [...OPTIONS, ...path] : path;
}

/** The short form of a path, if it has one. */
export function shortPath(path: Path, shortKeys: readonly string[]): Path {
  const isOption = path.length > 2 && OPTIONS.every((key, i) => path[i] === key) && shortKeys.includes(String(path[2]));
  return isOption ? path.slice(2) : path;
}

/** A dotted key in its short form, if it has one: `model.depth` for `task.options.model.depth`. */
export function shortKey(key: string, tasks: NamedTasks): string {
  return shortPath(key.split('.'), tasks.flatMap(shortKeysOf)).map(String).join('.');
}

/** How a path is written where its value comes from: in the long form only by a layer that has it in the long form. */
export function writtenPath(path: Path, layers: readonly ConfigLayer[], shortKeys: readonly string[]): Path {
  const short = shortPath(path, shortKeys);
  if (short.length === path.length) return path;
  const layer = sourceLayerAt(layers, path);
  const isUsers = layer !== undefined && layer.source !== 'preset' && layer.source !== 'default';
  return isUsers && !layer.short?.includes(String(short[0])) ? path : short;
}
