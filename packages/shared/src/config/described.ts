/**
 * The configuration as JSON Schema, with what every key means and its default. What a key means stands in the schema itself, once;
 * editors, `facet config` and messages read it from there.
 */
import { z } from 'zod';
import { canonicalJson } from './canonical-json.js';
import { isMapping, valueAt } from './layers.js';
import { shortKeysOf, type NamedTasks } from './named-task.js';
import { OPERATION_DEFAULTS } from './defaults.js';
import { operationSchema, trainingSchema } from './schema.js';
import { longPath } from './short-keys.js';

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
export function configFileSchema(tasks: NamedTasks): DescribedSchema {
  const schema = z.toJSONSchema(fileSchema(tasks), { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' });
  return withDefaults(schema as DescribedSchema, { path: [], tasks });
}

const SCHEMAS = new WeakMap<NamedTasks, DescribedSchema>();

/** What a dotted key means, in its long or short form; undefined where there is no such key. */
export function descriptionOf(key: string, tasks: NamedTasks): string | undefined {
  const known = SCHEMAS.get(tasks);
  const schema =
    known ?? (z.toJSONSchema(fileSchema(tasks), { io: 'input', unrepresentable: 'any' }) as DescribedSchema);
  SCHEMAS.set(tasks, schema);
  return key.split('.').reduce<DescribedSchema | undefined>((above, name) => ownProperty(above, name), schema)
    ?.description;
}

/** What a file may hold: options of every named task, in both forms. A module has options that are not known here. */
function fileSchema(tasks: NamedTasks): z.ZodObject {
  const { task } = trainingSchema.shape;
  const sections = Object.assign({}, ...tasks.map(({ options }) => options.shape)) as Record<string, z.ZodType>;
  const options = z.looseObject(sections).describe(task.shape.options.description ?? '');
  const name = z.enum(tasks.map((one) => one.name)).describe(task.shape.name.description ?? '');
  const short = Object.entries(sections).map(
    ([key, section]) =>
      [key, section.describe(`Short for \`task.options.${key}\`. ${section.description ?? ''}`)] as const,
  );
  return z.strictObject({
    ...trainingSchema.shape,
    task: z.strictObject({ ...task.shape, name, options }).describe(task.description ?? ''),
    ...operationSchema.shape,
    ...Object.fromEntries(short),
  });
}

function ownProperty(schema: DescribedSchema | undefined, name: string): DescribedSchema | undefined {
  const properties = schema?.properties;
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
}

interface Place {
  readonly path: readonly string[];
  readonly tasks: NamedTasks;
}

/** Mappings merge with what lies below, so no key of them is required. A list replaces it: its items stay as they are. */
function withDefaults(schema: DescribedSchema, { path, tasks }: Place): DescribedSchema {
  const { properties, ...rest } = schema;
  if (properties === undefined) return { ...rest, ...defaultAt({ path, tasks }) };
  const { required: _required, default: _default, ...section } = rest;
  const members = Object.entries(properties).map(
    ([key, of]) => [key, withDefaults(of, { path: [...path, key], tasks })] as const,
  );
  return { ...section, properties: Object.fromEntries(members) };
}

/** What every preset and the operational half say of a key, where they agree. */
function defaultAt({ path, tasks }: Place): { readonly default?: unknown } {
  const presets = tasks.flatMap((task) => Object.values(task.presets).map((preset) => ({ task, preset })));
  const [first, ...others] = presets.map(({ task, preset }) =>
    valueAt({ ...OPERATION_DEFAULTS, ...preset }, longPath(path, shortKeysOf(task))),
  );
  if (first === undefined || isMapping(first)) return {};
  const isSame = others.every((other) => other !== undefined && canonicalJson(other) === canonicalJson(first));
  return isSame ? { default: first } : {};
}
