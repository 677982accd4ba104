/**
 * `facet evaluate`: how good a checkpoint is, on the whole test split, in this process and without a cluster.
 */
import type { Command } from 'commander';
import { limitSplit, openDataset, type Dataset } from '@facet/datasets';
import { configSchema, suggestion, TrainingError, type RunConfig } from '@facet/shared';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { evaluationLines } from '../display/evaluation.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { configOf, findCheckpoint } from '../runs/find-checkpoint.js';

interface EvaluateOptions {
  readonly device?: string;
  readonly threads?: string;
  readonly dataFolder?: string;
  readonly json?: boolean;
}

const devices = configSchema.shape.engine.shape.device;

export function addEvaluateCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('evaluate <run>')
    .description('accuracy, per-class accuracy and confusion matrix of a run or checkpoint')
    .usage('[options] <run name | run folder | checkpoint folder>')
    .option('--device <name>', `${devices.options.join(', ')} (default: as the run says)`)
    .option('--threads <number>', 'threads to use; 0 takes all cores', '0')
    .option('--data-folder <folder>', "folder with the dataset's files, instead of what the run says")
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet evaluate mnist-fast-20261123-181500')
    .action((name: string, options: EvaluateOptions) => run(() => evaluate(name, options, context)));
}

async function evaluate(name: string, options: EvaluateOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, stderr } = context;
  const device = devices.safeParse(options.device ?? 'cpu');
  if (!device.success) {
    const expected = `expected one of ${devices.options.join(', ')}${suggestion(options.device ?? '', devices.options)}`;
    throw new TrainingError('CONFIG_INVALID', `--device: '${options.device}', ${expected}`);
  }
  const threads = Number(options.threads);
  if (!Number.isInteger(threads) || threads < 0) {
    throw new TrainingError('CONFIG_INVALID', `--threads: '${options.threads}', expected a whole number of at least 0`);
  }
  const { checkpoint, warnings } = await findCheckpoint(name, context);
  for (const warning of warnings) printLine(stderr, `warning: ${warning}`);
  const config = configOf(checkpoint);
  const dataset = await openLimited(config, options.dataFolder);
  const { evaluateWeights } = await import('@facet/worker');
  const evaluation = await evaluateWeights({
    config,
    weights: checkpoint.state.weights,
    layout: checkpoint.layout,
    dataset,
    device: options.device === undefined ? config.engine.device : device.data,
    threads,
  });
  const { run, step } = checkpoint.info;
  const { weightsSha256, path: folder } = checkpoint;
  if (options.json) {
    printJson(stdout, { run, step, checkpoint: folder, weightsSha256, dataset: dataset.name, ...evaluation, warnings });
  } else {
    printLine(stdout, `run ${run}, checkpoint ${folder}, step ${step}, weights sha256 ${weightsSha256}`);
    for (const line of evaluationLines(evaluation, dataset.classes)) printLine(stdout, line);
  }
  return EXIT.ok;
}

async function openLimited({ dataset: name, dataFolder, samples }: RunConfig, folder = dataFolder): Promise<Dataset> {
  const dataset = await openDataset({ name, folder });
  return samples.test === 0 ? dataset : { ...dataset, test: limitSplit(dataset.test, samples.test) };
}
