/**
 * `facet export`: writes a trained model in a format for other programs. The files are run at once and compared with our own
 * evaluation. A difference is a failure; the files stay, so that the user can look at them.
 */
import path from 'node:path';
import type { Command } from 'commander';
import type { TrainedWeights } from '@facet/storage';
import type { Export, ExportFormat, ExportPlan, StoredModel } from '@facet/lab';
import { suggestion, TrainingError } from '@facet/shared';
import { isMultiView } from '@facet/multiview/config';
import type { RunData } from '@facet/task/data';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { modelOf, storedConfigOf, storedModelOf } from '@facet/lab/data';
import { fileLines } from '../display/file-lines.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { findCheckpoint } from '../runs/find-checkpoint.js';

interface ExportOptions {
  readonly format: string;
  readonly out: string;
  readonly task?: string;
  readonly batch: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const MAX_BATCH = 4_096;

export function addExportCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('export <run>')
    .description(
      'write a trained model as ONNX, safetensors or a TensorFlow.js graph model, and check it by running it',
    )
    .usage('[options] <run name | run folder | checkpoint folder>')
    .requiredOption('--format <name>', 'onnx, safetensors or tfjs')
    .requiredOption('--out <folder>', 'a new folder for the files')
    .option('--task <file>', 'the module of a task of your own, if it is no longer where the run had it')
    .option('--batch <number>', 'samples per call of the exported program', '1')
    .option('--force', 'write over files of the same names in a folder that exists')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet export mnist-fast-20261123-181500 --format onnx --out digits')
    .action((name: string, options: ExportOptions) => run(() => exportRun(name, options, context)));
}

async function exportRun(name: string, options: ExportOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, stderr } = context;
  const { EXPORT_FORMATS, exportModel, exportTask } = await import('@facet/lab');
  const { formatModelRunFile, weightsSha256: hashOf } = await import('@facet/storage');
  const format = readFormat(options.format, EXPORT_FORMATS);
  const batch = readBatch(options.batch);
  const { checkpoint, warnings } = await findCheckpoint(name, context);
  for (const warning of warnings) printLine(stderr, `warning: ${warning}`);
  const folder = path.resolve(options.out);
  const existing = options.force ? 'replace' : 'refuse';
  const { run, step } = checkpoint.info;
  const planFor = async (weights: Float32Array, classes: readonly string[], runFile: ExportPlan['runFile']) => {
    // Of what is written: of a run that keeps an average, that is not what its checkpoints are known by.
    const origin = { run, step, weightsSha256: await hashOf(weights), classes };
    return { origin, runFile, format, batch, folder, existing } as const;
  };
  const report = (exported: Export, { origin }: Pick<ExportPlan, 'origin'>, of: 'images' | 'samples'): ExitCode => {
    requireMatch(exported, folder);
    const { weightsSha256 } = origin;
    if (options.json) printJson(stdout, { run, step, weightsSha256, format, batch, folder, ...exported, warnings });
    else for (const line of exportLines(exported, folder, of)) printLine(stdout, line);
    return EXIT.ok;
  };
  if (!isMultiView(storedConfigOf(checkpoint))) {
    const model = await storedModelOf(checkpoint, options.task);
    const plan = await planFor(model.weights, model.samples.classes, (modelFile) =>
      formatModelRunFile({ trained: withSamples(checkpoint, model), image: undefined, modelFile }),
    );
    return report(await exportTask({ ...plan, model, data: await openData(model) }), plan, 'samples');
  }
  const { model, classNames } = await modelOf(checkpoint);
  const plan = await planFor(model.weights, classNames, (modelFile) =>
    formatModelRunFile({ trained: checkpoint, image: model.image, modelFile }),
  );
  return report(await exportModel({ ...plan, model }), plan, 'images');
}

/** An export says what its samples are, also if the checkpoint did not. */
function withSamples(trained: TrainedWeights, { samples }: StoredModel): TrainedWeights {
  return { ...trained, info: { ...trained.info, samples } };
}

/** The run's own samples to check with, if they are still there. */
async function openData({ config }: StoredModel): Promise<RunData | undefined> {
  const { openRunData } = await import('@facet/task/data');
  return openRunData(config).catch((caught: unknown) => {
    if (caught instanceof TrainingError) return undefined;
    throw caught;
  });
}

function readFormat(text: string, formats: readonly ExportFormat[]): ExportFormat {
  const format = formats.find((known) => known === text);
  if (format !== undefined) return format;
  const expected = `expected one of ${formats.join(', ')}${suggestion(text, formats)}`;
  throw new TrainingError('CONFIG_INVALID', `--format: '${text}', ${expected}`);
}

function readBatch(text: string): number {
  const batch = Number(text);
  if (Number.isInteger(batch) && batch >= 1 && batch <= MAX_BATCH) return batch;
  throw new TrainingError('CONFIG_INVALID', `--batch: '${text}', expected a whole number from 1 to ${MAX_BATCH}`);
}

/** @throws TrainingError EXPORT_MISMATCH when the export answers differently. */
function requireMatch({ check }: Export, folder: string): void {
  if (check.isWithinTolerance) return;
  const { images, logitDeviation, probabilityDeviation, tolerance } = check;
  throw new TrainingError(
    'EXPORT_MISMATCH',
    `the files in ${folder} answer ${images} samples otherwise than our evaluation: logits differ by ${logitDeviation.toExponential(1)}, probabilities by ${probabilityDeviation.toExponential(1)}, expected at most ${tolerance}; do not use them, and report it`,
  );
}

function exportLines({ files, check }: Export, folder: string, of: 'images' | 'samples'): string[] {
  const { images, source, logitDeviation, probabilityDeviation, tolerance } = check;
  return [
    ...fileLines(folder, files),
    '',
    `checked by running it on ${images} ${of} (${source}): logits differ by ${logitDeviation.toExponential(1)} of the largest, ` +
      `probabilities by ${probabilityDeviation.toExponential(1)}; the limit is ${tolerance}`,
  ];
}
