/**
 * `facet evaluate`: how good a checkpoint is, on the whole test split, in this process and without a cluster.
 */
import type { Command } from 'commander';
import { limitSplit, openDataset, type Dataset } from '@facet/datasets';
import type { RunConfig } from '@facet/shared';
import { addPlaceOptions, readPlace, type PlaceOptions } from '../config/classifier-place.js';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { evaluationLines } from '../display/evaluation.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { configOf, findCheckpoint } from '../runs/find-checkpoint.js';

interface EvaluateOptions extends PlaceOptions {
  readonly dataFolder?: string;
  readonly tta?: boolean;
  readonly json?: boolean;
}

export function addEvaluateCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = program
    .command('evaluate <run>')
    .description('accuracy, calibration, per-class accuracy, confusion and worst mistakes of a run or checkpoint')
    .usage('[options] <run name | run folder | checkpoint folder>')
    .option('--tta', 'also with test-time augmentation: logits averaged over shifts and, where allowed, mirror images')
    .option('--data-folder <folder>', "folder with the dataset's files, instead of what the run says")
    .option('--json', 'print one JSON object as the last line of stdout');
  addPlaceOptions(command)
    .addHelpText('after', '\nExample:\n  facet evaluate mnist-fast-20261123-181500')
    .action((name: string, options: EvaluateOptions) => run(() => evaluate(name, options, context)));
}

async function evaluate(name: string, options: EvaluateOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, stderr } = context;
  const place = readPlace(options);
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
    device: place.device ?? config.engine.device,
    threads: place.threads,
    augmentation: options.tta ? 'test-time' : 'none',
  });
  const { run, step } = checkpoint.info;
  const { weightsSha256, path: folder } = checkpoint;
  if (options.json) {
    const { name: datasetName, classes } = dataset;
    const identity = { run, step, checkpoint: folder, weightsSha256, dataset: datasetName, classes };
    printJson(stdout, { ...identity, ...evaluation, warnings });
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
