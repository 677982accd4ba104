/**
 * Exports a trained model to a folder and checks what lies there by running it. The check comes after the files are
 * written and reads them back, so it covers everything that a user gets; a failed one leaves the files to be looked at.
 */
import { encodeSafetensors, toTensors, type ImageShape } from '@facet/shared';
import type { TrainedModel } from '../models/classifier.js';
import { writeOnnx } from '@facet/compiler';
import { checkImages, compareAnswers, ownAnswers, type ExportCheck } from './check-export.js';
import type { ExportFormat } from './export-format.js';
import {
  encoded,
  labelsFile,
  metadataOf,
  requireFree,
  writeFiles,
  type ExportPlan,
  type Files,
  type WrittenFile,
} from './export-files.js';
import { exportReadme } from './export-readme.js';
import { writeGraphModel } from './graph-model.js';
import { captureInference } from './inference-program.js';
import { runGraphModel, runOnnx, runSafetensors, type Answers, type RunOptions } from './run-export.js';

export interface ExportOptions extends ExportPlan {
  readonly model: TrainedModel;
}

export interface Export {
  readonly files: readonly WrittenFile[];
  readonly check: ExportCheck;
}

interface Format {
  readonly write: (options: ExportOptions) => Promise<Files>;
  readonly run: (options: RunOptions) => Promise<Answers>;
}

const FORMATS: Record<ExportFormat, Format> = {
  onnx: { write: onnxFiles, run: runOnnx },
  safetensors: { write: safetensorsFiles, run: runSafetensors },
  tfjs: { write: graphModelFiles, run: runGraphModel },
};

/**
 * Writes an export and runs it against our own evaluation. A deviation is a value of the result, not an error.
 *
 * @throws TrainingError OUTPUT_EXISTS when the folder holds something already; CHECKPOINT_INCOMPATIBLE when the weights
 *   belong to another model.
 */
export async function exportModel(options: ExportOptions): Promise<Export> {
  const { model, folder, batch } = options;
  await requireFree(folder, options.existing);
  const format = FORMATS[options.format];
  const files = new Map(await format.write(options));
  files.set('README.md', encoded(exportReadme(options)));
  const written = await writeFiles(folder, files);
  const { pixels, source } = await checkImages(model, batch);
  const expected = await ownAnswers(model, pixels);
  const actual = await format.run({ folder, model, batch, images: pixels });
  return {
    files: written,
    check: compareAnswers(expected, actual, { count: pixels.length / sizeOf(model.image), source }),
  };
}

async function onnxFiles({ model, origin, batch }: ExportOptions): Promise<Files> {
  const { program, parameterNames } = await captureInference(model, batch);
  const metadata = metadataOf(origin);
  const bytes = writeOnnx(program, { interfaceNames: 'plain', constantNames: parameterNames, metadata });
  return new Map([
    ['model.onnx', bytes],
    ['labels.json', labelsFile(origin)],
  ]);
}

async function graphModelFiles({ model, origin, batch }: ExportOptions): Promise<Files> {
  const { program, parameterNames } = await captureInference(model, batch);
  const files = writeGraphModel(program, { constantNames: parameterNames, metadata: metadataOf(origin) });
  return files.set('labels.json', labelsFile(origin));
}

async function safetensorsFiles({ model, origin, runFile }: ExportOptions): Promise<Files> {
  const { weights, layout, config, image } = model;
  const { classes, ...facts } = origin;
  const description = {
    ...facts,
    dataset: config.dataset,
    image,
    classes: classes.length,
    model: config.task.options.model,
  };
  const file = encodeSafetensors({ tensors: toTensors(weights, layout), metadata: metadataOf(origin) });
  return new Map([
    ['model.safetensors', file],
    ['run.json', encoded(await runFile(file))],
    ['config.json', encoded(`${JSON.stringify(description, undefined, 2)}\n`)],
    ['labels.json', labelsFile(origin)],
  ]);
}

function sizeOf({ channels, height, width }: ImageShape): number {
  return channels * height * width;
}
