/**
 * A trained model for programs: the newest checkpoint of a run, a checkpoint, or an export of safetensors. It answers samples as the
 * source of the run gives them.
 */
import {
  allocateField,
  fieldLength,
  TrainingError,
  type FieldValues,
  type SampleField,
  type SampleFields,
} from '@facet/shared';
import { isMultiView } from '@facet/multiview/config';
import { storedModelOf } from '@facet/lab/data';
import type { LoadedModel, SampleAnswer } from '@facet/lab';
import { findCheckpoint } from '../runs/find-checkpoint.js';

/** How a trained model is opened. */
export interface LoadModelOptions {
  /** The module of the task, if it is no longer where the run had it. */
  readonly task?: string;
  /** Threads; 0, the default, takes all cores. */
  readonly threads?: number;
  /** Samples that are computed at once. Default: the run's micro-batch. 1 is the fastest if you ask for one at a time. */
  readonly batch?: number;
}

/**
 * The fields of one sample. A field is as many numbers as its shape says, row by row: bytes from 0 to 255 for images. Of a field
 * without a shape it is one number. An image may be the path of its file, which is scaled to cover the size.
 */
export type ModelSample = Readonly<Record<string, string | number | ArrayLike<number>>>;

/** The answer to one sample. */
export interface ModelAnswer {
  /** The name of the most probable class; absent where answers are no classes. */
  readonly class?: string;
  /** By the names of the classes; absent where answers are no classes. */
  readonly probabilities?: Readonly<Record<string, number>>;
  /** What the task's `predict` gave for the sample: logits, or the numbers of another answer. */
  readonly values: Float32Array;
  /** Of the values. */
  readonly shape: readonly number[];
}

/** A trained model that is open; it holds an engine until it is closed. */
export interface Model {
  /** The name of the task. */
  readonly task: string;
  /** Name of the run. */
  readonly run: string;
  readonly step: number;
  /** What a sample must have. */
  readonly fields: SampleFields;
  /** Names of the classes; none where samples have no classes. */
  readonly classes: readonly string[];
  /** @throws TrainingError DATASET_INVALID when a field is missing or wrong; IMAGE_INVALID for a file that is no image. */
  predict(sample: ModelSample): Promise<ModelAnswer>;
  /** The answers to several samples, in their order; throws as for one. */
  predict(samples: readonly ModelSample[]): Promise<ModelAnswer[]>;
  /** Frees what the model holds. */
  close(): Promise<void>;
}

/**
 * Loads a trained model.
 *
 * @param run name of a run in `./runs` or `FACET_RUNS`, or the path of a run, a checkpoint or an export of safetensors
 * @throws TrainingError RUN_NOT_FOUND; CHECKPOINT_INVALID; TASK_INVALID when the module of the task cannot be loaded;
 *   VERSION_MISMATCH when its source is another one than the run was trained with.
 */
export async function loadModel(run: string, { task, threads = 0, batch }: LoadModelOptions = {}): Promise<Model> {
  const { openModel, answersBySample } = await import('@facet/lab');
  const { checkpoint } = await findCheckpoint(run, { env: process.env });
  const stored = await storedModelOf(checkpoint, task);
  const model = await openModel(stored, { threads, batch });
  // The presets' datasets need more than scaling: digits are centred and may be inverted.
  const takesFiles = !isMultiView(stored.config);
  const { fields, classes } = model;

  async function predict(sample: ModelSample): Promise<ModelAnswer>;
  async function predict(samples: readonly ModelSample[]): Promise<ModelAnswer[]>;
  async function predict(given: ModelSample | readonly ModelSample[]): Promise<ModelAnswer | ModelAnswer[]> {
    const isOne = !isList(given);
    const samples = isOne ? [given] : given;
    const columns: Record<string, FieldValues> = {};
    for (const [name, field] of Object.entries(fields)) {
      columns[name] = joined(field, await Promise.all(samples.map((sample) => valuesOf(name, field, sample))));
    }
    const answers = answersBySample(model, await model.predict(columns, samples.length), samples.length);
    const named = answers.map((answer) => namedAnswer(answer, classes));
    return isOne ? named[0]! : named;
  }

  const valuesOf = async (name: string, field: SampleField, sample: ModelSample): Promise<ArrayLike<number>> => {
    const value = sample[name];
    const wrong = (actual: string, expected: string): TrainingError =>
      new TrainingError('DATASET_INVALID', `the field ${name} is ${actual}, expected ${expected}`);
    if (typeof value === 'string') {
      const { imageOf, readImage } = await import('@facet/lab');
      const image = imageOf({ [name]: field });
      if (image === undefined) throw wrong(`the text '${value}'`, described(field));
      if (!takesFiles) throw wrong(`the file ${value}`, `${described(field)}; use \`facet predict\` for files`);
      return readImage(value, image);
    }
    const values = typeof value === 'number' ? [value] : value;
    if (values === undefined) throw wrong('missing', described(field));
    const length = fieldLength(field);
    if (values.length !== length) throw wrong(`${values.length} numbers`, described(field));
    if (field.type !== 'float32') {
      const isWhole = (one: number): boolean =>
        Number.isInteger(one) && (field.type === 'int32' || (one >= 0 && one < 256));
      for (let at = 0; at < length; at++) {
        if (!isWhole(values[at]!)) throw wrong(`${values[at]} at place ${at}`, described(field));
      }
    }
    return values;
  };

  const { run: name, step } = checkpoint.info;
  return { task: model.task, run: name, step, fields, classes, predict, close: () => model.close() };
}

function isList(given: ModelSample | readonly ModelSample[]): given is readonly ModelSample[] {
  return Array.isArray(given);
}

const NUMBERS: Readonly<Record<SampleField['type'], string>> = {
  uint8: 'whole numbers from 0 to 255',
  int32: 'whole numbers',
  float32: 'numbers',
};

function described(field: SampleField): string {
  const { type, shape } = field;
  return `${NUMBERS[type]}, ${fieldLength(field)} of them: ${type} [${shape.join(', ')}]`;
}

function joined(field: SampleField, samples: readonly ArrayLike<number>[]): FieldValues {
  const length = fieldLength(field);
  const all = allocateField(field, samples.length);
  samples.forEach((values, at) => {
    all.set(values, at * length);
  });
  return all;
}

function namedAnswer({ guesses, values, shape }: SampleAnswer, classes: LoadedModel['classes']): ModelAnswer {
  if (guesses === undefined) return { values, shape };
  const probabilities = guesses.map(({ class: index, probability }) => [classes[index]!, probability] as const);
  return { class: probabilities[0]![0], probabilities: Object.fromEntries(probabilities), values, shape };
}
