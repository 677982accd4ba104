/**
 * `facet evaluate`: how good a checkpoint is, on the whole test split or on the images that its run holds out, in this
 * process and without a cluster.
 */
import type { Command } from 'commander';
import { openDataset } from '@facet/datasets';
import { configSchema, suggestion, TrainingError, wishFor } from '@facet/shared';
import { addPlaceOptions, readPlace, type PlaceOptions } from '../config/classifier-place.js';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { evaluationLines } from '../display/evaluation.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { configOf, findCheckpoint } from '../runs/find-checkpoint.js';

interface EvaluateOptions extends PlaceOptions {
  readonly split: string;
  readonly dataFolder?: string;
  readonly tta?: boolean;
  readonly json?: boolean;
}

const splits = configSchema.shape.evaluation.unwrap();

export function addEvaluateCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = program
    .command('evaluate <run>')
    .description('accuracy, calibration, per-class accuracy, confusion and worst mistakes of a run or checkpoint')
    .usage('[options] <run name | run folder | checkpoint folder>')
    .option('--split <name>', `${splits.options.join(' or ')} (images of the training split)`, 'test')
    .option('--tta', 'also with test-time augmentation: logits averaged over shifts and, where allowed, mirror images')
    .option('--data-folder <folder>', "folder with the dataset's files, instead of what the run says")
    .option('--json', 'print one JSON object as the last line of stdout');
  addPlaceOptions(command)
    .addHelpText('after', '\nExample:\n  facet evaluate mnist-fast-20261123-181500')
    .action((name: string, options: EvaluateOptions) => run(() => evaluate(name, options, context)));
}

async function evaluate(name: string, options: EvaluateOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, stderr } = context;
  const split = splits.safeParse(options.split);
  if (!split.success) {
    const expected = `expected one of ${splits.options.join(', ')}${suggestion(options.split, splits.options)}`;
    throw new TrainingError('CONFIG_INVALID', `--split: '${options.split}', ${expected}`);
  }
  const { wish, threads } = readPlace(options);
  const { checkpoint, warnings } = await findCheckpoint(name, context);
  for (const warning of warnings) printLine(stderr, `warning: ${warning}`);
  const config = configOf(checkpoint);
  const dataset = await openDataset({ name: config.dataset, folder: options.dataFolder ?? config.dataFolder });
  const { evaluateWeights } = await import('@facet/worker');
  const evaluation = await evaluateWeights({
    config,
    weights: checkpoint.weights,
    layout: checkpoint.layout,
    dataset,
    split: split.data,
    engine: wishFor(wish, config.engine),
    threads,
    augmentation: options.tta ? 'test-time' : 'none',
  });
  const { run, step } = checkpoint.info;
  const { weightsSha256, evaluatedWeights, path: folder } = checkpoint;
  if (options.json) {
    const { name: datasetName, classes } = dataset;
    const what = { run, step, checkpoint: folder, weightsSha256, evaluatedWeights, dataset: datasetName, classes };
    printJson(stdout, { ...what, split: split.data, ...evaluation, warnings });
  } else {
    printLine(stdout, `run ${run}, checkpoint ${folder}, step ${step}, weights sha256 ${weightsSha256}`);
    const labels = { split: split.data, evaluatedWeights, classes: dataset.classes } as const;
    for (const line of evaluationLines(evaluation, labels)) printLine(stdout, line);
  }
  return EXIT.ok;
}
