/**
 * Layers of configuration, laid over each other key by key: mappings merge, everything else (lists too) replaces what lies
 * below. Keys come from files and flags, so they are copied as own properties and never assigned.
 */

/** A mapping of keys to anything, as parsed from YAML or built from flags. */
export type Mapping = Readonly<Record<string, unknown>>;

export type ConfigSource = 'flags' | 'environment' | 'file' | 'preset' | 'default';

export interface ConfigLayer {
  readonly source: ConfigSource;
  readonly values: Mapping;
  /** Keys that were written in their short form. */
  readonly short?: readonly string[];
}

/** True for a mapping. A list is not a mapping. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Merges layers; a later one is the stronger. */
export function mergeLayers(layers: readonly ConfigLayer[]): Mapping {
  return layers.reduce((merged, layer) => mergeMappings(merged, layer.values), {});
}

/** Merges two mappings; the second is the stronger. A member that is undefined counts as absent. */
export function mergeMappings(weaker: Mapping, stronger: Mapping): Mapping {
  const said = Object.entries(stronger).filter(([, value]) => value !== undefined);
  const merged = said.map(([key, value]) => {
    const below = ownMember(weaker, key);
    return [key, isMapping(below) && isMapping(value) ? mergeMappings(below, value) : value] as const;
  });
  return Object.fromEntries([...Object.entries(weaker), ...merged]);
}

/** The mapping with one value at a dotted key: `nest('batch.micro', 32)` is `{ batch: { micro: 32 } }`. */
export function nest(key: string, value: unknown): Mapping {
  return key.split('.').reduceRight<unknown>((inner, name) => Object.fromEntries([[name, inner]]), value) as Mapping;
}

/** The value at a path, or undefined. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, name) => {
    if (Array.isArray(at)) return (at as readonly unknown[])[Number(name)];
    return isMapping(at) ? ownMember(at, String(name)) : undefined;
  }, value);
}

/** The strongest layer that has a value at a path, or that replaces one of the mappings above it. */
export function sourceAt(layers: readonly ConfigLayer[], path: readonly PropertyKey[]): ConfigSource {
  return sourceLayerAt(layers, path)?.source ?? 'default';
}

/** The same layer itself; undefined where no layer says anything. */
export function sourceLayerAt(layers: readonly ConfigLayer[], path: readonly PropertyKey[]): ConfigLayer | undefined {
  return layers.findLast((layer) => reaches(layer.values, path));
}

function reaches(value: unknown, path: readonly PropertyKey[]): boolean {
  if (value === undefined) return false;
  const [name, ...rest] = path;
  if (name === undefined || !isMapping(value)) return true;
  return reaches(ownMember(value, String(name)), rest);
}

function ownMember(mapping: Mapping, key: string): unknown {
  return Object.hasOwn(mapping, key) ? mapping[key] : undefined;
}
