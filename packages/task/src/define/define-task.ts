/**
 * What a user writes to train something of their own: a module whose default export is a task. It says what a model is and
 * how good an answer is; batches, workers, the update and checkpoints are the system's.
 */
import type * as tf from '@tensorflow/tfjs';
import type { SampleSource, SourceOpener } from '@facet/datasets';
import { TrainingError, type RandomStream, type SampleFields, type TrainingConfig } from '@facet/shared';
import type { Noise } from '@facet/compiler';
import type { ParameterStart } from './parameter-starts.js';
import type { Tensors } from '../task.js';

/** What a model is built for. */
export interface ModelContext<Options = unknown> {
  /** The fields of a sample. */
  readonly fields: SampleFields;
  /** Names of the classes; none where samples have no classes. */
  readonly classes: readonly string[];
  /** The task's options as its schema read them. */
  readonly options: Options;
  /** Rows of every tensor: samples, some of which may be padding. */
  readonly microBatch: number;
  /** Of the run. What is drawn from it is the same on every worker. */
  readonly seed: number;
}

/** One tensor per field of the sample, [microBatch, ...shape]; see `defineTask` for their numbers. */
export type SampleTensors = Readonly<Record<string, tf.Tensor>>;

/** A model: what it learns, and the function from a micro-batch to its answers. */
export interface TaskModel {
  /** How every parameter starts, by its name. */
  readonly parameters: Readonly<Record<string, ParameterStart>>;
  /** Random numbers that `predict` gets as tensors, by name: `dropout(...)` or `normalNoise(...)`. Default: none. */
  readonly noise?: Readonly<Record<string, Noise>>;
  /**
   * Pure, and per sample: row i of the answer may depend on row i of the tensors alone.
   *
   * @param noise one tensor [microBatch, ...shape] for each name of `noise`; outside of training ones for a dropout, and the
   *   mean for normal numbers
   */
  readonly predict: (parameters: Tensors, sample: SampleTensors, noise: SampleTensors) => tf.Tensor;
}

/** A number for every row, [microBatch]. */
export type PerSample = (prediction: tf.Tensor, sample: SampleTensors, context: LossContext) => tf.Tensor;

export interface LossContext {
  readonly classes: number;
  /** The field that is to be predicted. */
  readonly target: string;
  /** `optimizer.labelSmoothing`. An accuracy and its loss are always computed without. */
  readonly labelSmoothing: number;
}

export const LOSS_NAMES = [
  'crossEntropy',
  'binaryCrossEntropy',
  'meanSquaredError',
  'meanAbsoluteError',
  'huber',
] as const;
export type LossName = (typeof LOSS_NAMES)[number];

/** Keys of the training half of a configuration; what is set in a file or by a flag is stronger. */
export type TrainingDefaults = {
  readonly [Key in 'epochs' | 'batch' | 'optimizer' | 'samples' | 'evaluation']?: Partial<TrainingConfig[Key]>;
};

/** Samples, or what opens them. */
export type TaskData = SampleSource | SourceOpener;

/** What an attack is given: the samples of one micro-batch. */
export interface AttackedSamples {
  /** [count], the samples in the first rows. */
  readonly ids: Uint32Array;
  /** [microBatch, ...shape]: the numbers of the field as tensors hold them. Change them in place. */
  readonly values: Float32Array;
  /**
   * How the loss of each sample changes with its numbers, as they stand now: as long as `values`. It costs about as much as a step
   * of training. The next call writes over it.
   */
  readonly gradient: () => Promise<Float32Array>;
  /** Draws for one row: a function of the seed, the epoch and the sample alone. Each call begins anew. */
  readonly random: (row: number) => RandomStream;
  /** When it aborts, return soon; nobody trains on what is left. */
  readonly signal: AbortSignal;
}

/** How a task attacks its samples before it trains on them. */
export interface TaskAdversary {
  /** The field that is attacked. Its tensors hold float32 numbers. */
  readonly field: string;
  /** What the attack climbs. Default: the loss of the task, without label smoothing and without noise. */
  readonly loss?: PerSample;
  /** Must depend on what it is given alone, so that every worker does the same. */
  readonly attack: (samples: AttackedSamples) => Promise<void> | void;
}

export interface TaskDefinition<Options = unknown> {
  readonly name: string;
  /** Reads the options of the configuration, and throws when they are wrong; a zod schema has such a `parse`. */
  readonly options?: {
    /** The options as the model gets them; throws for a value that is wrong. */
    parse(value: unknown): Options;
  };
  /**
   * The samples: what `imageFolder`, `csv`, `arrays`, `text` or `own` return, or a function that is given the folder of
   * `--data` and returns one of those. Absent: those of the dataset that the configuration names.
   */
  readonly dataset?: TaskData | ((...args: Parameters<SourceOpener>) => TaskData | Promise<TaskData>);
  /** Values of the configuration for this task. */
  readonly training?: TrainingDefaults;
  /** Builds the model for the fields and classes of the samples. */
  readonly model: (context: ModelContext<Options>) => TaskModel;
  /** The field that is to be predicted. Default: `label`. */
  readonly target?: string;
  /** Default: `crossEntropy` where samples have classes, else `meanSquaredError`. */
  readonly loss?: LossName | PerSample;
  /** Further figures, by name. The system sums them over samples, in training and in evaluations. */
  readonly metrics?: Readonly<Record<string, PerSample>>;
  /**
   * Changes one sample in place before it is trained on. What is random in it must come from `random`, which is a function of
   * the seed, the epoch and the sample alone.
   *
   * @param sample the numbers of each field, as the tensors hold them
   */
  readonly augment?: (sample: Readonly<Record<string, Float32Array>>, random: RandomStream) => void;
  /** Attacks samples before they are trained on. Only onnxruntime can do that. */
  readonly adversary?: TaskAdversary;
}

/** Marks the default export of a task module. */
const MARK = Symbol.for('facet.task');

/**
 * Declares a task; its module exports it as default.
 *
 * Tensors hold float32 numbers: of a `float32` field as they are; of a `uint8` field with a shape (an image) divided by 255.
 * An `int32` field, and a `uint8` field of a single number (a label), is an int32 tensor of whole numbers.
 *
 * @throws TrainingError TASK_INVALID naming what is missing or of another type.
 */
export function defineTask<Options = unknown>(definition: TaskDefinition<Options>): TaskDefinition<Options> {
  requireDefinition(definition);
  return Object.freeze({ ...definition, [MARK]: true });
}

/** True for what `defineTask` returned, also of another copy of this package. */
export function isTaskDefinition(value: unknown): value is TaskDefinition {
  return typeof value === 'object' && value !== null && MARK in value;
}

const KEYS = ['name', 'options', 'dataset', 'training', 'model', 'target', 'loss', 'metrics', 'augment', 'adversary'];

function requireDefinition<Options>(definition: TaskDefinition<Options>): void {
  if (typeof definition !== 'object' || (definition as unknown) === null) {
    throw new TrainingError(
      'TASK_INVALID',
      `defineTask: it was given ${described(definition)}, expected { name, model, ... }`,
    );
  }
  const problems: string[] = [];
  const { name, model, dataset, loss, metrics = {}, augment, adversary, target } = definition;
  const expect = (isRight: boolean, key: string, actual: unknown, expected: string): void => {
    if (!isRight) problems.push(`${key} is ${described(actual)}, expected ${expected}`);
  };
  expect(typeof name === 'string' && /^[\w.-]{1,64}$/.test(name), 'name', name, 'letters, digits, . - _, at most 64');
  expect(typeof model === 'function', 'model', model, 'a function that returns { parameters, predict }');
  expect(
    dataset === undefined || typeof dataset === 'function' || isSampleSource(dataset),
    'dataset',
    dataset,
    'what imageFolder, csv, arrays, text or own return, or a function that returns it',
  );
  expect(
    loss === undefined || typeof loss === 'function' || LOSS_NAMES.includes(loss),
    'loss',
    loss,
    `one of ${LOSS_NAMES.join(', ')}, or a function`,
  );
  expect(target === undefined || typeof target === 'string', 'target', target, 'the name of a field');
  expect(
    adversary === undefined || (typeof adversary.field === 'string' && typeof adversary.attack === 'function'),
    'adversary',
    adversary,
    '{ field, attack }',
  );
  expect(augment === undefined || typeof augment === 'function', 'augment', augment, 'a function');
  for (const [metric, of] of Object.entries(metrics)) {
    expect(typeof of === 'function', `metrics.${metric}`, of, 'a function of (prediction, sample)');
  }
  for (const key of Object.keys(definition)) {
    if (!KEYS.includes(key)) problems.push(`${key} is no part of a task, expected one of ${KEYS.join(', ')}`);
  }
  if (problems.length > 0) throw new TrainingError('TASK_INVALID', `defineTask: ${problems.join('; ')}`);
}

/** True for what has the parts of a source of samples. */
export function isSampleSource(value: unknown): value is SampleSource {
  if (typeof value !== 'object' || value === null) return false;
  const { fields, length, read, digest } = value as Partial<SampleSource>;
  const isRead = typeof length === 'function' && typeof read === 'function';
  return typeof fields === 'object' && isRead && typeof digest === 'string';
}

function described(value: unknown): string {
  if (value instanceof Promise) return 'a promise';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (value === undefined) return 'missing';
  return typeof value === 'string' ? `'${value}'` : typeof value === 'number' ? String(value) : `a ${typeof value}`;
}
