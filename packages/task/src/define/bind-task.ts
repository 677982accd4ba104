/**
 * Makes the system's task of a user's definition: fields become inputs, the loss and metrics are checked, rows beyond the
 * samples become copies of the first one, so that nothing strange is computed where nothing counts.
 */
import * as tf from '@tensorflow/tfjs';
import {
  fieldLength,
  randomKey,
  randomStream,
  TrainingError,
  type SampleBatch,
  type SampleFields,
} from '@facet/shared';
import type { ParameterSpec } from '../arithmetic/parameters.js';
import type { BatchIdentity, BatchTensors, SampleLosses, Task, TaskReference, Tensors } from '../task.js';
import type { LossContext, PerSample, SampleTensors, TaskDefinition, TaskModel } from './define-task.js';
import { bindAdversary, requireAdversary } from './adversary.js';
import { answerOf, isOfClasses, isWhole } from './answer.js';
import { isCorrect, lossOf, shareCorrect } from './losses.js';
import { fillNoise, noiseInput, noiseTensors, quietTensors, requireNoise } from './noise.js';
import { optionsText, readOptions } from './task-options.js';

/** What a definition is bound to. */
export interface TaskBinding {
  readonly fields: SampleFields;
  readonly classes: readonly string[];
  readonly microBatch: number;
  readonly seed: number;
  readonly labelSmoothing: number;
  readonly options: unknown;
  readonly reference: TaskReference;
}

/** The buffers of a user's task: one per field. */
type FieldTensors = BatchTensors & Readonly<Record<string, Float32Array>>;

const CORRECT = 'correct';

/**
 * @throws TrainingError TASK_INVALID when the options, the model or a name is wrong; CAPTURE_UNSUPPORTED when a layer of
 *   tf.layers cannot be captured.
 */
export async function bindTask(definition: TaskDefinition, binding: TaskBinding): Promise<Task> {
  const { fields, classes, microBatch, labelSmoothing } = binding;
  const { target = 'label', metrics = {} } = definition;
  const model = await buildModel(definition, binding);
  const parameters = Object.entries(model.parameters).map(([name, start]): ParameterSpec => ({ name, ...start }));
  requireNames(definition, parameters, fields);
  const noise = Object.entries(model.noise ?? {}).map(([name, one]) => ({ ...one, name }));
  const faultyNoise = requireNoise(noise);
  if (faultyNoise !== undefined) throw invalid(definition, faultyNoise);

  const answer = answerOf(definition, { fields, classes });
  const isClassified = answer.kind === 'class';
  const hasClasses = isOfClasses(definition, classes);
  const targetField = fields[target];
  const isIndexed = hasClasses && targetField !== undefined && isWhole(targetField);
  const { loss = hasClasses ? 'crossEntropy' : 'meanSquaredError' } = definition;
  const losses = typeof loss === 'string' ? lossOf(loss) : loss;
  const counted: Readonly<Record<string, PerSample>> = isClassified ? { [CORRECT]: isCorrect } : {};
  const shares: Readonly<Record<string, PerSample>> = isIndexed && !isClassified ? { accuracy: shareCorrect } : {};
  const figures = { ...counted, ...shares, ...metrics };
  const context: LossContext = { classes: classes.length, target, labelSmoothing };
  const { adversary } = definition;
  const faultyAdversary = adversary && requireAdversary(adversary, fields);
  if (faultyAdversary !== undefined) throw invalid(definition, faultyAdversary);
  const predict = (named: Tensors, inputs: Tensors): tf.Tensor =>
    called(definition, 'predict', () =>
      model.predict(named, sampleOf(fields, inputs), quietTensors(noise, microBatch)),
    );

  return {
    name: definition.name,
    microBatch,
    parameters,
    inputs: [
      ...Object.entries(fields).map(([name, { shape }]) => ({ name, shape: [microBatch, ...shape] })),
      ...noise.map(({ name, shape }) => ({ name: noiseInput(name), shape: [microBatch, ...shape] })),
    ],
    metrics: Object.keys(figures),
    answer,
    predictInputs: Object.keys(fields).filter((name) => !(isClassified && name === target)),
    prepare(samples, tensors, identity) {
      if (isIndexed) requireClasses(definition, samples, { target, classes });
      fill(definition, fields, { samples, tensors: tensors as FieldTensors, identity });
      noise.forEach((one, place) => {
        fillNoise(one, (tensors as FieldTensors)[noiseInput(one.name)]!, { place, ids: samples.ids, identity });
      });
    },
    loss: (named, inputs) =>
      called(definition, 'loss', () => {
        const sample = sampleOf(fields, inputs);
        const prediction = model.predict(named, sample, noiseTensors(noise, inputs));
        const figuresOf = Object.entries(figures).map(([name, of]) => [name, of(prediction, sample, context)] as const);
        const result = { losses: losses(prediction, sample, context), metrics: Object.fromEntries(figuresOf) };
        return result as SampleLosses;
      }),
    predict,
    adversary:
      adversary &&
      bindAdversary(adversary, {
        ...{ losses, context, predict, inputs: Object.keys(fields) },
        sample: (inputs) => sampleOf(fields, inputs),
      }),
    reference: binding.reference,
  };
}

async function buildModel(definition: TaskDefinition, binding: TaskBinding): Promise<TaskModel> {
  const { fields, classes, microBatch, seed } = binding;
  const options = soundOptions(definition, binding.options);
  // A model of tf.layers makes its weights when it is built, which needs a backend that computes.
  const before = (tf.getBackend() as string | undefined) ?? 'cpu';
  await tf.setBackend('cpu');
  const isProduction = tf.env().getBool('PROD');
  // On its first use that backend advises to install another one, which has nothing to do with what is asked of it here.
  tf.env().set('PROD', true);
  try {
    const model = definition.model({ fields, classes, options, microBatch, seed });
    const isModel = typeof model?.predict === 'function' && typeof model.parameters === 'object';
    if (isModel && Object.keys(model.parameters).length > 0) return model;
    throw invalid(
      definition,
      `model returns ${isModel ? 'no parameters' : 'no { parameters, predict }'}; see defineTask`,
    );
  } catch (caught) {
    throw faultOf(definition, 'model', caught);
  } finally {
    tf.env().set('PROD', isProduction);
    await tf.setBackend(before);
  }
}

function soundOptions(definition: TaskDefinition, given: unknown): unknown {
  const read = readOptions(definition, given);
  if (read.ok) return read.options;
  throw invalid(definition, `task.options: ${optionsText(read.issues)}`, read.cause);
}

/** Parameters, fields and what the system adds share one set of names. */
function requireNames(definition: TaskDefinition, parameters: readonly ParameterSpec[], fields: SampleFields): void {
  for (const { name, shape, initialiser } of parameters) {
    if (name in fields)
      throw invalid(definition, `the parameter ${name} is named like a field of the samples; rename it`);
    const isShape = shape instanceof Array && shape.every((size) => Number.isInteger(size) && size > 0);
    if (!isShape)
      throw invalid(definition, `the parameter ${name} has shape [${String(shape)}], expected whole numbers from 1`);
    const length = shape.reduce((product, size) => product * size, 1);
    if (initialiser.kind === 'given' && initialiser.values.length !== length) {
      throw invalid(
        definition,
        `the parameter ${name} starts as ${initialiser.values.length} numbers, expected ${length}`,
      );
    }
  }
  if (CORRECT in (definition.metrics ?? {})) {
    throw invalid(definition, `a metric is named ${CORRECT}, which the system counts itself; rename it`);
  }
  if ('sampleWeights' in fields) {
    throw invalid(definition, 'a field is named sampleWeights, which the system uses itself; rename it');
  }
}

function invalid({ name }: TaskDefinition, fault: string, cause?: unknown): TrainingError {
  return new TrainingError('TASK_INVALID', `the task ${name} is wrong: ${fault}`, { cause });
}

/**
 * Calls a function of the task. What it makes on the way is released.
 *
 * @throws TrainingError TASK_INVALID with what the function threw, and where.
 */
function called<T extends object>(definition: TaskDefinition, what: string, work: () => T): T {
  try {
    return tf.tidy(() => work() as unknown as tf.TensorContainer) as unknown as T;
  } catch (caught) {
    throw faultOf(definition, what, caught);
  }
}

/** What a function of the task threw, and where. */
function faultOf(definition: TaskDefinition, what: string, caught: unknown): TrainingError {
  if (caught instanceof TrainingError) return caught;
  const { name = 'Error', message = String(caught), stack = '' } = caught as Partial<Error>;
  // The first place that is in no package: the task's own.
  const place = stack
    .split('\n')
    .find((line) => line.includes('file://') && !line.includes('/node_modules/') && !line.includes('/dist/'));
  const where = /\(?(file:[^)]+)\)?$/.exec(place ?? '')?.[1];
  return invalid(definition, `${what} threw ${name}: ${message}${where === undefined ? '' : ` (${where})`}`, caught);
}

/** @throws TrainingError DATASET_INVALID naming a sample whose label is the index of no class. */
function requireClasses(
  { name }: TaskDefinition,
  { ids, fields }: SampleBatch,
  { target, classes }: { readonly target: string; readonly classes: readonly string[] },
): void {
  const labels = fields[target]!;
  const at = labels.findIndex((label) => !(label >= 0 && label < classes.length));
  if (at < 0) return;
  const id = ids[Math.floor(at / (labels.length / ids.length))];
  throw new TrainingError(
    'DATASET_INVALID',
    `the task ${name}: sample ${id} has ${target} ${labels[at]}, expected 0 to ${classes.length - 1}, because there are ${classes.length} classes`,
  );
}

function sampleOf(fields: SampleFields, inputs: Tensors): SampleTensors {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) => {
      const numbers = inputs.get(name);
      if (numbers === undefined) return [];
      return [[name, isWhole(field) ? numbers.cast('int32') : numbers] as const];
    }),
  );
}

interface Filling {
  readonly samples: SampleBatch;
  readonly tensors: FieldTensors;
  readonly identity: BatchIdentity;
}

/** Copies samples into the tensors, one row each, and augments them row by row. */
function fill({ augment }: TaskDefinition, fields: SampleFields, { samples, tensors, identity }: Filling): void {
  const { ids, fields: values } = samples;
  const entries = Object.entries(fields).map(([name, field]) => {
    const scale = field.type === 'uint8' && field.shape.length > 0 ? 1 / 255 : 1;
    return { name, length: fieldLength(field), from: values[name]!, to: tensors[name]!, scale };
  });
  for (const { length, from, to, scale } of entries) {
    for (let at = 0; at < ids.length * length; at++) to[at] = from[at]! * scale;
  }
  if (augment !== undefined && identity.isTraining) {
    ids.forEach((id, row) => {
      const rows = entries.map(
        ({ name, length, to }) => [name, to.subarray(row * length, (row + 1) * length)] as const,
      );
      augment(Object.fromEntries(rows), randomStream(randomKey('augmentation', identity.seed, identity.epoch, id)));
    });
  }
  const capacity = tensors.sampleWeights.length;
  for (const { length, to } of entries) {
    for (let row = ids.length; row < capacity; row++) to.copyWithin(row * length, 0, length);
  }
}
