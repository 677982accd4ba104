/**
 * `facet evaluate`: how good a checkpoint is, on the whole test split or on the images that its run holds out, in this
 * process and without a cluster.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { Checkpoint } from '@facet/coordinator';
import { openDataset } from '@facet/datasets';
import { configSchema, suggestion, TrainingError, wishFor, type RunConfig } from '@facet/shared';
import { DEVICE_ABOUT, ENGINE_ABOUT, readEngineFlags, type EngineFlags } from '../config/engine-flags.js';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { evaluationLines } from '../display/evaluation.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { listRuns, pathsIn, requireRun, runNotFound, runsFolder } from '../runs/run-folders.js';

interface EvaluateOptions extends EngineFlags {
  readonly split: string;
  readonly threads?: string;
  readonly dataFolder?: string;
  readonly json?: boolean;
}

const splits = configSchema.shape.evaluation.unwrap();

export function addEvaluateCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('evaluate <run>')
    .description('accuracy, per-class accuracy and confusion matrix of a run or checkpoint')
    .usage('[options] <run name | run folder | checkpoint folder>')
    .option('--split <name>', `${splits.options.join(' or ')} (images of the training split)`, 'test')
    .option('--engine <name>', `${ENGINE_ABOUT} (default: as the run says)`)
    .option('--device <name>', `${DEVICE_ABOUT} (default: as the run says)`)
    .option('--threads <number>', 'threads to use; 0 takes all cores', '0')
    .option('--data-folder <folder>', "folder with the dataset's files, instead of what the run says")
    .option('--json', 'print one JSON object as the last line of stdout')
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
  const { wish, problems } = readEngineFlags(options);
  if (problems.length > 0) throw new TrainingError('CONFIG_INVALID', problems.join('\n'));
  const threads = Number(options.threads);
  if (!Number.isInteger(threads) || threads < 0) {
    throw new TrainingError('CONFIG_INVALID', `--threads: '${options.threads}', expected a whole number of at least 0`);
  }
  const { checkpoint, warnings } = await findCheckpoint(name, context);
  for (const warning of warnings) printLine(stderr, `warning: ${warning}`);
  const config = readConfig(checkpoint);
  const { state } = checkpoint;
  const dataset = await openDataset({ name: config.dataset, folder: options.dataFolder ?? config.dataFolder });
  const { evaluateWeights } = await import('@facet/worker');
  const evaluation = await evaluateWeights({
    config,
    weights: state.ema ?? state.weights,
    layout: checkpoint.layout,
    dataset,
    split: split.data,
    engine: wishFor(wish, config.engine),
    threads,
  });
  const { run, step } = checkpoint.info;
  const { weightsSha256, path: folder } = checkpoint;
  const evaluatedWeights = state.ema === undefined ? 'last' : 'average';
  if (options.json) {
    const what = { run, step, checkpoint: folder, weightsSha256, evaluatedWeights, dataset: dataset.name };
    printJson(stdout, { ...what, split: split.data, ...evaluation, warnings });
  } else {
    printLine(stdout, `run ${run}, checkpoint ${folder}, step ${step}, weights sha256 ${weightsSha256}`);
    const labels = { split: split.data, evaluatedWeights, classes: dataset.classes } as const;
    for (const line of evaluationLines(evaluation, labels)) printLine(stdout, line);
  }
  return EXIT.ok;
}

interface FoundCheckpoint {
  readonly checkpoint: Checkpoint;
  /** Checkpoints that were passed over. */
  readonly warnings: readonly string[];
}

/** A name is a run's; a path is a run folder's or one checkpoint's. */
async function findCheckpoint(name: string, { env }: CliContext): Promise<FoundCheckpoint> {
  const { newestSoundCheckpoint, readCheckpoint } = await import('@facet/coordinator');
  const isPath = name.includes(path.sep) || name === '.' || name === '..';
  if (isPath && existsSync(path.join(name, 'run.json'))) {
    return { checkpoint: await readCheckpoint(path.resolve(name)), warnings: [] };
  }
  const runs = runsFolder(env);
  const paths = isPath ? pathsIn(path.resolve(name)) : await requireRun(runs, name);
  if (!existsSync(paths.folder)) throw runNotFound(`there is no folder ${paths.folder}`, name, await listRuns(runs));
  const { checkpoint, skipped } = await newestSoundCheckpoint(paths.checkpoints);
  const warnings = skipped.map((passed) => `checkpoint ${passed.path} is damaged and is passed over: ${passed.reason}`);
  if (checkpoint !== undefined) return { checkpoint, warnings };
  const fault = warnings.length === 0 ? 'there is none' : warnings.join('; ');
  throw new TrainingError(
    'CHECKPOINT_INVALID',
    `no sound checkpoint in ${paths.checkpoints}: ${fault}; resume the run until it has taken one`,
  );
}

function readConfig({ info, path: folder }: Checkpoint): RunConfig {
  const parsed = configSchema.safeParse(info.config);
  if (parsed.success) return parsed.data;
  const keys = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`).join('; ');
  throw new TrainingError('CHECKPOINT_INCOMPATIBLE', `the configuration in ${folder} is not of this version: ${keys}`);
}
