/**
 * The keys of a configuration of one task: schema, names, and what is expected at a key. Where the task has a name, its options are
 * part of the schema; a module reads its own.
 */
import { z } from 'zod';
import { expectationAt, keysOf, namesAt, shapeOf } from './expectation.js';
import { shortKeysOf, type NamedTask, type NamedTasks } from './named-task.js';
import { configSchema, operationSchema, trainingSchema } from './schema.js';
import { longPath, shortPath } from './short-keys.js';

export interface ConfigKeys {
  readonly schema: z.ZodType;
  /** Keys that may stand at the top instead of below `task.options`. */
  readonly shortKeys: readonly string[];
  /** What is expected at a path: `a whole number from 1 to 256`. */
  readonly expectationAt: (path: readonly PropertyKey[]) => string;
  /** The names that a mapping takes; empty when there is no mapping at the path. */
  readonly namesAt: (path: readonly PropertyKey[]) => readonly string[];
  /** Every dotted key that has a value of its own, options of the task in their short form. */
  readonly all: readonly string[];
}

const KNOWN = new WeakMap<NamedTask, ConfigKeys>();

/** The keys of a configuration of a task; undefined is a task of a module. */
export function configKeys(tasks: NamedTasks, task: NamedTask | undefined): ConfigKeys {
  if (task === undefined) return OF_MODULE;
  const known = KNOWN.get(task) ?? keysWith(schemaOf(tasks, task), shortKeysOf(task));
  KNOWN.set(task, known);
  return known;
}

/** The schema of a configuration that names a task. */
function schemaOf(tasks: NamedTasks, { options }: NamedTask): z.ZodObject {
  const { name, options: about } = trainingSchema.shape.task.shape;
  const task = z
    .strictObject({
      name: z.enum(tasks.map((one) => one.name)).describe(name.description ?? ''),
      options: options.describe(about.description ?? ''),
    })
    .describe(trainingSchema.shape.task.description ?? '');
  return z.strictObject({ ...trainingSchema.shape, task, ...operationSchema.shape });
}

function keysWith(schema: z.ZodObject, shortKeys: readonly string[]): ConfigKeys {
  const root = shapeOf(schema);
  return {
    schema,
    shortKeys,
    expectationAt: (path) => expectationAt(root, longPath(path, shortKeys)),
    namesAt: (path) => [...namesAt(root, longPath(path, shortKeys)), ...(path.length === 0 ? shortKeys : [])],
    all: keysOf(root).map((key) => shortPath(key.split('.'), shortKeys).map(String).join('.')),
  };
}

const OF_MODULE = keysWith(configSchema, []);
