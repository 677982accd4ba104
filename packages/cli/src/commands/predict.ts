/**
 * `facet predict`: what a trained model says to files. Every image gets a line. An image that cannot be read is named, and the
 * exit code is 2. A model that was trained on a table takes a table.
 */
import type { Command } from 'commander';
import { visibleLine, wishFor } from '@facet/shared';
import { isMultiView } from '@facet/multiview/config';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { addPlaceOptions, readPlace, type PlaceOptions } from '../config/classifier-place.js';
import { predictionJson, predictionLines } from '../display/prediction.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { findCheckpoint } from '../runs/find-checkpoint.js';
import { listRuns, runNotFound, runsFolder } from '../runs/run-folders.js';
import { modelOf, storedConfigOf, storedModelOf } from '@facet/lab/data';

interface PredictOptions extends PlaceOptions {
  readonly run?: string;
  readonly task?: string;
  readonly json?: boolean;
}

export function addPredictCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = program
    .command('predict <file...>')
    .description(
      'classify PNG and JPEG images of any size; a folder stands for the images in it; or predict for the rows of a table',
    )
    .option('--run <name | folder>', 'a run, its folder or one checkpoint (default: the newest run)')
    .option('--task <file>', 'the module of a task of your own, if it is no longer where the run had it')
    .option('--json', 'print one JSON object as the last line of stdout');
  addPlaceOptions(command)
    .addHelpText('after', '\nExample:\n  facet predict digit.png photos/ --run mnist-fast-20261123-181500')
    .action((images: string[], options: PredictOptions) => run(() => predict(images, options, context)));
}

async function predict(paths: readonly string[], options: PredictOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, stderr } = context;
  const { wish, threads } = readPlace(options);
  const name = options.run ?? (await newestRun(context));
  const { checkpoint, warnings } = await findCheckpoint(name, context);
  for (const warning of warnings) printLine(stderr, `warning: ${warning}`);
  if (!isMultiView(storedConfigOf(checkpoint))) {
    const { predictOwnTask } = await import('../prediction/predict-own-task.js');
    const model = await storedModelOf(checkpoint, options.task);
    const isJson = options.json === true;
    return predictOwnTask({ checkpoint, model, paths, wish, threads, isJson, warnings }, context);
  }
  const { model, classNames } = await modelOf(checkpoint);
  const { predictImages } = await import('@facet/lab');
  const engine = wishFor(wish, model.config.engine);
  const predictions = await predictImages({ model, paths, engine, threads });
  for (const prediction of predictions) {
    if (!prediction.ok) printLine(stderr, visibleLine(`error [${prediction.error.code}]: ${prediction.error.message}`));
  }
  const { run, step } = checkpoint.info;
  const { weightsSha256, path: folder } = checkpoint;
  const failed = predictions.filter(({ ok }) => !ok).length;
  if (options.json) {
    const images = predictions.map((prediction) => predictionJson(prediction, classNames));
    printJson(stdout, { run, step, checkpoint: folder, weightsSha256, images, failed, warnings });
  } else {
    printLine(stdout, `run ${run}, checkpoint ${folder}, step ${step}`);
    for (const line of predictionLines(predictions, classNames)) printLine(stdout, line);
  }
  if (failed === 0) return EXIT.ok;
  printLine(stderr, `${failed} of ${predictions.length} ${predictions.length === 1 ? 'image' : 'images'} failed`);
  return EXIT.usage;
}

/** Says which run was taken by default, because it decides the answer. */
async function newestRun({ env, stderr }: CliContext): Promise<string> {
  const runs = runsFolder(env);
  const [newest] = await listRuns(runs);
  if (newest === undefined) throw runNotFound(`there is no run in ${runs}; train one, or name one with --run`, '', []);
  printLine(stderr, `using run ${newest}, the newest in ${runs}; --run names another`);
  return newest;
}
