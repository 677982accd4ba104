/**
 * Exports a trained model of a user's task and checks what lies there by running it, as export-model.ts does for the multi-view
 * model. The files state what goes in: fields, their shapes, and what bytes of images are divided by.
 */
import {
  allocateField,
  decodeSafetensors,
  encodeSafetensors,
  fromTensors,
  randomKey,
  randomStream,
  toTensors,
  type FieldValues,
  type SampleFields,
} from '@facet/shared';
import type { SampleSource } from '@facet/datasets';
import { fillTensors, type Task } from '@facet/task';
import { writeOnnx, type Program } from '@facet/compiler';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { openModel, type StoredModel } from '../models/loaded-model.js';
import { capturePrediction, type PredictionProgram } from '../models/prediction-program.js';
import { openTask } from '../tasks/open-task.js';
import { compareAnswers, type ExportCheck } from './check-export.js';
import type { ExportFormat } from './export-format.js';
import {
  encoded,
  labelsFile,
  metadataOf,
  requireFree,
  writeFiles,
  type ExportPlan,
  type Files,
} from './export-files.js';
import type { Export } from './export-model.js';
import { writeGraphModel } from './graph-model.js';
import { describeTask, taskReadme, type TaskDescription } from './task-description.js';
import { runGraph, runOnnxFile, type Feeds } from './run-files.js';

export interface TaskExportOptions extends ExportPlan {
  readonly model: StoredModel;
  /** Samples to check with; random ones stand in where there are none. */
  readonly data: SampleSource | undefined;
}

const CHECKED_SAMPLES = 16;

/**
 * Writes an export and runs it against our own answers. A deviation is a value of the result, not an error.
 *
 * @throws TrainingError OUTPUT_EXISTS when the folder holds something already; CHECKPOINT_INCOMPATIBLE when the weights belong to
 *   another model; CAPTURE_UNSUPPORTED when a TensorFlow.js graph has no such operation; as `openTask`.
 */
export async function exportTask(options: TaskExportOptions): Promise<Export> {
  const { model, origin, format, batch, folder, existing } = options;
  await requireFree(folder, existing);
  const { config, samples } = model;
  const task = await openTask({ ...config, batch: { ...config.batch, micro: batch } }, samples);
  const captured = await capturePrediction(task, model);
  const description = describeTask({ task, samples, origin, program: captured.program });
  const files = new Map(await FORMATS[format](options, captured, description));
  if (samples.classes.length > 0) files.set('labels.json', labelsFile(origin));
  files.set('README.md', encoded(taskReadme(description, format)));
  const written = await writeFiles(folder, files);
  return { files: written, check: await checkFiles(options, task, captured.program) };
}

type Write = (
  options: TaskExportOptions,
  captured: PredictionProgram,
  description: TaskDescription,
) => Files | Promise<Files>;

const configFile = (description: TaskDescription): [string, Uint8Array] => [
  'config.json',
  encoded(`${JSON.stringify(description, undefined, 2)}\n`),
];

const FORMATS: Readonly<Record<ExportFormat, Write>> = {
  onnx({ origin }, { program, parameterNames }, description) {
    const metadata = { ...metadataOf(origin), inputs: JSON.stringify(description.inputs) };
    const bytes = writeOnnx(program, { interfaceNames: 'plain', constantNames: parameterNames, metadata });
    return new Map([['model.onnx', bytes], configFile(description)]);
  },
  tfjs({ origin }, { program, parameterNames }, description) {
    const files = writeGraphModel(program, { constantNames: parameterNames, metadata: metadataOf(origin) });
    return files.set(...configFile(description));
  },
  async safetensors({ model, origin, runFile }, _, description) {
    const file = encodeSafetensors({ tensors: toTensors(model.weights, model.layout), metadata: metadataOf(origin) });
    const run = encoded(await runFile(file));
    return new Map([['model.safetensors', file], ['run.json', run], configFile(description)]);
  },
};

/** Reads the files back, runs them, and compares with the answers of the stored model. */
async function checkFiles(options: TaskExportOptions, task: Task, program: Program): Promise<ExportCheck> {
  const { model, format, batch, folder, data } = options;
  const count = Math.ceil(CHECKED_SAMPLES / batch) * batch;
  const fields = data === undefined ? randomSamples(model.samples.fields, count) : await firstSamples(data, count);
  const expected = await answersOf(model, fields, count);
  let actual: Readonly<Record<string, Float32Array>>;
  if (format === 'safetensors') {
    const { tensors } = decodeSafetensors(await readFile(path.join(folder, 'model.safetensors')));
    actual = await answersOf({ ...model, weights: fromTensors(tensors, model.layout) }, fields, count);
  } else {
    const names = program.outputs.map(({ name }) => name);
    const feeds = feedsOf(task, program, { fields, samples: model.samples.fields, count });
    actual = await (format === 'onnx' ? runOnnxFile : runGraph)(folder, feeds, names);
  }
  const source = data === undefined ? 'random samples' : 'test split';
  return compareAnswers(forComparison(expected), forComparison(actual), { count, source });
}

async function answersOf(model: StoredModel, fields: Fields, count: number): Promise<Record<string, Float32Array>> {
  const opened = await openModel(model, { threads: 0 });
  try {
    return { ...(await opened.predict(fields, count)).outputs };
  } finally {
    await opened.close();
  }
}

type Fields = Readonly<Record<string, FieldValues>>;

function forComparison({ logits, probabilities, prediction }: Readonly<Record<string, Float32Array>>): {
  readonly logits: Float32Array;
  readonly probabilities: Float32Array;
} {
  return { logits: (logits ?? prediction)!, probabilities: probabilities ?? new Float32Array() };
}

/** The first samples of the test split, or of the training split where there are none; few ones are gone through again. */
async function firstSamples(data: SampleSource, count: number): Promise<Fields> {
  const split = data.length('test') > 0 ? 'test' : 'train';
  const length = data.length(split);
  return data.read(
    split,
    Uint32Array.from({ length: count }, (_, at) => at % length),
  );
}

/** Whole numbers are 0: nobody knows here which ones a field may have. */
function randomSamples(fields: SampleFields, count: number): Fields {
  const stream = randomStream(randomKey('initialisation', CHECKED_SAMPLES));
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const values = allocateField(field, count);
      const scale = field.type === 'float32' ? 1 : field.type === 'uint8' && field.shape.length > 0 ? 255 : 0;
      return [name, values.map(() => scale * stream.nextUniform())];
    }),
  );
}

/** Samples as the exported program takes them, a batch at a time. */
function feedsOf(
  task: Task,
  { inputs, values }: Program,
  { fields, samples, count }: { readonly fields: Fields; readonly samples: SampleFields; readonly count: number },
): Feeds[] {
  const feeds: Feeds[] = [];
  for (let start = 0; start < count; start += task.microBatch) {
    const ids = Uint32Array.from({ length: task.microBatch }, (_, at) => start + at);
    const part = Object.fromEntries(
      Object.keys(samples).map((name) => {
        const length = fields[name]!.length / count;
        return [name, fields[name]!.subarray(start * length, (start + task.microBatch) * length)];
      }),
    );
    const tensors = Object.fromEntries([
      ['sampleWeights', new Float32Array(task.microBatch)],
      ...task.inputs.map(({ name, shape }) => [name, new Float32Array(shape.reduce((all, size) => all * size, 1))]),
    ]) as Record<string, Float32Array> & { sampleWeights: Float32Array };
    const identity = { seed: 0, epoch: 0, step: 1, index: 0, isTraining: false };
    fillTensors(task, tensors, { ids, fields: part }, identity);
    feeds.push(inputs.map(({ name, id }) => ({ name, values: tensors[name]!, shape: values[id]!.shape })));
  }
  return feeds;
}
