/**
 * What the schema expects at a key, in words. The words are made from the schema itself, so message and check always agree.
 * Also the list of all keys, for suggestions.
 */
import { z } from 'zod';
import { isMapping } from './layers.js';

/** The part of JSON Schema that our schema uses. */
export interface Shape {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
}

/** The shape of what a schema accepts. */
export function shapeOf(schema: z.ZodType): Shape {
  return z.toJSONSchema(schema) as Shape;
}

/** What is expected at a path: `a whole number from 1 to 256`. */
export function expectationAt(root: Shape, path: readonly PropertyKey[]): string {
  const shape = shapeAt(root, path);
  return shape === undefined ? 'nothing' : inWords(shape);
}

/** The names that a mapping takes; empty when there is no mapping at the path. */
export function namesAt(root: Shape, path: readonly PropertyKey[]): readonly string[] {
  return Object.keys(shapeAt(root, path)?.properties ?? {});
}

/** Every dotted key that has a value of its own. */
export function keysOf(root: Shape): readonly string[] {
  return keysBelow('', root);
}

/** A value as messages show it: short, with text in quotes. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? typeof value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function shapeAt(root: Shape, path: readonly PropertyKey[]): Shape | undefined {
  return path.reduce<Shape | undefined>((shape, name) => {
    if (typeof name === 'number') return shape?.items;
    const properties = shape?.properties;
    return properties !== undefined && Object.hasOwn(properties, name) ? properties[String(name)] : undefined;
  }, root);
}

function keysBelow(prefix: string, shape: Shape): string[] {
  return Object.entries(shape.properties ?? {}).flatMap(([name, member]) =>
    isMapping(member.properties) ? keysBelow(`${prefix}${name}.`, member) : [`${prefix}${name}`],
  );
}

function inWords(shape: Shape): string {
  if (shape.enum !== undefined) return shape.enum.length === 1 ? shape.enum[0]! : `one of ${shape.enum.join(', ')}`;
  switch (shape.type) {
    case 'integer':
      return `a whole number${range(shape)}`;
    case 'number':
      return `a number${range(shape)}`;
    case 'string':
      return (shape.minLength ?? 0) > 0 ? 'a text that is not empty' : 'a text';
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list${length(shape)}, each ${inWords(shape.items ?? {})}`;
    default:
      return `a mapping of ${Object.keys(shape.properties ?? {}).join(', ')}`;
  }
}

function range({ minimum, maximum, exclusiveMinimum, multipleOf }: Shape): string {
  // Zod bounds every integer by what a double holds exactly. Those bounds would only confuse in a message.
  const low = minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const high = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  const multiple = multipleOf === undefined ? '' : `, a multiple of ${multipleOf}`;
  if (exclusiveMinimum !== undefined) {
    return ` above ${exclusiveMinimum}${high === undefined ? '' : ` and at most ${high}`}${multiple}`;
  }
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}${multiple}`;
  return `${low === undefined ? '' : ` of at least ${low}`}${high === undefined ? '' : ` of at most ${high}`}${multiple}`;
}

function length({ minItems, maxItems }: Shape): string {
  if (minItems === undefined && maxItems === undefined) return '';
  return ` of ${minItems ?? 0} to ${maxItems ?? 'any number of'} elements`;
}
