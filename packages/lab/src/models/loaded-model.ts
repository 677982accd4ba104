/**
 * A trained model of any task that answers samples. It computes in micro-batches of the run's own size with the program that an
 * export holds, on the processor. It needs none of the samples that it was trained on.
 */
import {
  allocateField,
  fieldLength,
  TrainingError,
  type FieldValues,
  type RunConfig,
  type SampleFacts,
  type SampleFields,
} from '@facet/shared';
import { fillTensors, type BatchTensors, type Task } from '@facet/task';
import type { Program } from '@facet/compiler';
import { createOrtSession } from '@facet/engine';
import { openTask } from '../tasks/open-task.js';
import { capturePrediction, type StoredWeights } from './prediction-program.js';

/** A model as a checkpoint stores it. */
export interface StoredModel extends StoredWeights {
  readonly config: RunConfig;
  readonly samples: SampleFacts;
}

/** What a model says to some samples. */
export interface Answers {
  /** Where answers are classes: logits and probabilities [samples, classes]. Else `prediction` [samples, ...]. */
  readonly outputs: Readonly<Record<string, Float32Array>>;
  /** Of one sample, by the name of the output. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

export interface LoadedModel {
  /** The name of the task. */
  readonly task: string;
  /** What an answer depends on. */
  readonly fields: SampleFields;
  /** Names of the classes; none where samples have no classes. */
  readonly classes: readonly string[];
  /** Whether an answer is a class of the sample. */
  readonly isClassifier: boolean;
  /**
   * Answers any number of samples.
   *
   * @param fields [count, ...shape] each, as a source gives them: images as bytes
   * @throws TrainingError DATASET_INVALID when a field is missing or has another length.
   */
  predict(fields: Readonly<Record<string, FieldValues>>, count: number): Promise<Answers>;
  close(): Promise<void>;
}

export interface OpenModelOptions {
  /** 0 takes all cores. */
  readonly threads: number;
  /** Samples that are computed at once. Default: as in the run. */
  readonly batch?: number | undefined;
}

/**
 * Makes a stored model ready to answer.
 *
 * @throws TrainingError as `openTask`; CHECKPOINT_INCOMPATIBLE when the weights belong to another model; ENGINE_UNAVAILABLE.
 */
export async function openModel(
  { config, samples, ...stored }: StoredModel,
  { threads, batch = config.batch.micro }: OpenModelOptions,
): Promise<LoadedModel> {
  const task = await openTask({ ...config, batch: { ...config.batch, micro: batch } }, samples);
  const { program } = await capturePrediction(task, stored);
  const session = await createOrtSession(program, { device: 'cpu', threads });
  const outputs = buffersOf(program, program.outputs);
  const read = buffersOf(program, program.inputs);
  const binding = session.bind(read, outputs);
  const tensors = tensorsOf(task, read);
  const fields = readFields(task, samples.fields, program);
  return {
    task: task.name,
    fields,
    classes: samples.classes,
    isClassifier: task.answer.kind === 'class',
    async predict(given, count) {
      const whole = completed(samples.fields, fields, given, count);
      const rows = mapValues(outputs, ({ length }) => new Float32Array((length / task.microBatch) * count));
      for (let start = 0; start < count; start += task.microBatch) {
        const end = Math.min(start + task.microBatch, count);
        const ids = Uint32Array.from({ length: end - start }, (_, at) => start + at);
        const values = mapEntries(whole, (name, all) => {
          const length = fieldLength(samples.fields[name]!);
          return all.subarray(start * length, end * length);
        });
        const identity = { seed: config.seed, epoch: 0, step: 1, index: 0, isTraining: false };
        fillTensors(task, tensors, { ids, fields: values }, identity);
        await binding.run();
        for (const [name, values] of Object.entries(outputs)) {
          const length = values.length / task.microBatch;
          rows[name]!.set(values.subarray(0, (end - start) * length), start * length);
        }
      }
      const shapes = program.outputs.map(({ name, id }) => [name, program.values[id]!.shape.slice(1)] as const);
      return { outputs: rows, shapes: Object.fromEntries(shapes) };
    },
    close: () => session.close(),
  };
}

/** The fields of the inputs that the program reads. An input of the multi-view model has another name than its field. */
function readFields(task: Task, fields: SampleFields, { inputs }: Program): SampleFields {
  const names = inputs.map(({ name }) => name);
  const label = task.answer.kind === 'class' ? task.answer.label : undefined;
  const areNamed = names.every((name) => name in fields);
  return Object.fromEntries(
    Object.entries(fields).filter(([name]) => (areNamed ? names.includes(name) : name !== label)),
  );
}

/** Every field of the samples: those that are not read are zeros. */
function completed(
  fields: SampleFields,
  read: SampleFields,
  given: Readonly<Record<string, FieldValues>>,
  count: number,
): Record<string, FieldValues> {
  return mapEntries(fields, (name, field) => {
    if (!(name in read)) return allocateField(field, count);
    const values = given[name];
    const length = count * fieldLength(field);
    if (values?.length === length) return values;
    throw new TrainingError(
      'DATASET_INVALID',
      `the field ${name} of ${count} ${count === 1 ? 'sample' : 'samples'} has ${values?.length ?? 'no'} values, expected ${length}: ${field.type} [${field.shape.join(', ')}] a sample`,
    );
  });
}

type Buffers = Record<string, Float32Array>;

function buffersOf({ values }: Program, named: Program['inputs']): Buffers {
  const sizeOf = (id: number): number => values[id]!.shape.reduce((product, size) => product * size, 1);
  return Object.fromEntries(named.map(({ name, id }) => [name, new Float32Array(sizeOf(id))]));
}

/** What the task fills: what the program reads, and the rest, which nobody does. */
function tensorsOf({ inputs, microBatch }: Task, read: Buffers): BatchTensors & Buffers {
  const all = inputs.map(({ name, shape }) => {
    return [name, read[name] ?? new Float32Array(shape.reduce((product, size) => product * size, 1))] as const;
  });
  return { ...Object.fromEntries(all), sampleWeights: new Float32Array(microBatch) };
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, of: (value: A) => B): Record<string, B> {
  return mapEntries(record, (_, value) => of(value));
}

function mapEntries<A, B>(record: Readonly<Record<string, A>>, of: (name: string, value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, of(name, value)]));
}
