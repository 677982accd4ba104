/**
 * The configuration as JSON Schema, with what every key means and its default. What a key means stands in the schema itself, once;
 * editors, `facet config` and messages read it from there.
 */
import { z } from 'zod';
import { canonicalJson } from './canonical-json.js';
import { isMapping, valueAt, type Mapping } from './layers.js';
import { OPERATION_DEFAULTS, PRESETS } from './presets.js';
import { configSchema } from './schema.js';

/** The part of JSON Schema that our schema uses. */
export interface DescribedSchema extends Record<string, unknown> {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, DescribedSchema>>;
  readonly items?: DescribedSchema;
}

/**
 * The JSON Schema of a configuration file. Every key may be left out, because presets and defaults give it. `default` is what all
 * presets agree on; a key whose default depends on the preset has none.
 */
export function configFileSchema(): DescribedSchema {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' });
  return withDefaults(schema as DescribedSchema, []);
}

/** What a dotted key means; undefined where there is no such key. */
export function descriptionOf(key: string): string | undefined {
  return key.split('.').reduce<DescribedSchema | undefined>((schema, name) => ownProperty(schema, name), SCHEMA)
    ?.description;
}

const SCHEMA = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as DescribedSchema;

function ownProperty(schema: DescribedSchema | undefined, name: string): DescribedSchema | undefined {
  const properties = schema?.properties;
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
}

/** Mappings merge with what lies below, so no key of them is required. A list replaces it: its items stay as they are. */
function withDefaults(schema: DescribedSchema, path: readonly string[]): DescribedSchema {
  const { properties, ...rest } = schema;
  if (properties === undefined) return { ...rest, ...defaultAt(path) };
  const { required: _required, default: _default, ...section } = rest;
  const members = Object.entries(properties).map(([key, of]) => [key, withDefaults(of, [...path, key])] as const);
  return { ...section, properties: Object.fromEntries(members) };
}

/** What every preset and the operational half say of a key, where they agree. */
function defaultAt(path: readonly string[]): { readonly default?: unknown } {
  const layers: readonly Mapping[] = Object.values(PRESETS).map((preset) => ({ ...OPERATION_DEFAULTS, ...preset }));
  const [first, ...others] = layers.map((layer) => valueAt(layer, path));
  if (first === undefined || isMapping(first)) return {};
  const isSame = others.every((other) => other !== undefined && canonicalJson(other) === canonicalJson(first));
  return isSame ? { default: first } : {};
}
