/**
 * `facet evaluate`: how good a checkpoint is, on the whole test split or on the images that its run holds out, in this
 * process and without a cluster. It writes a page and a document. If they cannot be written, it still prints its numbers.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { openDataset } from '@facet/datasets';
import { configSchema, suggestion, TrainingError, wishFor, type RunConfig } from '@facet/shared';
import { isMultiView } from '@facet/multiview/config';
import { addPlaceOptions, readPlace, type PlaceOptions } from '../config/classifier-place.js';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { correspondenceLines, evaluationLines } from '../display/evaluation.js';
import { configOf, storedConfigOf, type ReportMaker, comparedModel, modelFor } from '@facet/lab/data';
import type { EvaluationReport } from '@facet/lab/reports';
import { evaluateOwnTask } from './evaluate-own-task.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { findCheckpoint, type FoundCheckpoint } from '../runs/find-checkpoint.js';
import { pathsIn } from '../runs/run-folders.js';
import { addReportOption, reportFiles, writeReport } from '../runs/report-files.js';
import { reportMaker } from '../runs/report-maker.js';

interface EvaluateOptions extends PlaceOptions {
  readonly split: string;
  readonly dataFolder?: string;
  readonly tta?: boolean;
  readonly compare?: string;
  readonly report?: string;
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
    .description(
      'accuracy, calibration, confusion, worst mistakes and attention of a run or checkpoint, also as a page',
    )
    .usage('[options] <run name | run folder | checkpoint folder>')
    .option('--split <name>', `${splits.options.join(' or ')} (images of the training split)`, 'test')
    .option('--tta', 'also with test-time augmentation: logits averaged over shifts and, where allowed, mirror images')
    .option('--compare <run>', 'another run or checkpoint, such as another seed: whether it attends to the same places')
    .option('--data-folder <folder>', "folder with the dataset's files, instead of what the run says");
  addReportOption(command, 'evaluation').option('--json', 'print one JSON object as the last line of stdout');
  addPlaceOptions(command)
    .addHelpText('after', '\nExample:\n  facet evaluate mnist-fast-20261123-181500')
    .action((name: string, options: EvaluateOptions) => run(() => evaluate(name, options, context)));
}

async function evaluate(name: string, options: EvaluateOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, stderr } = context;
  const split = readSplit(options.split);
  const { wish, threads } = readPlace(options);
  const found = await findCheckpoint(name, context);
  const stored = storedConfigOf(found.checkpoint);
  const files = reportFiles('evaluation', { named: options.report, checkpoint: found.checkpoint.path });
  if (!isMultiView(stored)) {
    requireNone(options, stored.preset);
    for (const warning of found.warnings) printLine(stderr, `warning: ${warning}`);
    const { dataFolder = stored.dataFolder } = options;
    const config = dataFolder === undefined ? stored : { ...stored, dataFolder };
    const made = await reportMaker(context);
    await evaluateOwnTask(
      { ...found, config, split, wish, threads, made, files, isJson: options.json === true },
      context,
    );
    return EXIT.ok;
  }
  const other = options.compare === undefined ? undefined : await findCheckpoint(options.compare, context);
  const warnings = [...found.warnings, ...(other?.warnings ?? [])];
  for (const warning of warnings) printLine(stderr, `warning: ${warning}`);
  const made = await reportMaker(context);
  const report = await evaluateFound(found, { ...options, split, wish, threads, other, made });
  const { document } = report;

  const { evaluationPage } = await import('@facet/lab/reports');
  const content = { document, page: evaluationPage(document, report.pictures) };
  if (!options.json) {
    const { run, step, checkpoint, weightsSha256 } = document;
    printLine(stdout, `run ${run}, checkpoint ${checkpoint}, step ${step}, weights sha256 ${weightsSha256}`);
    for (const line of evaluationLines(document, document)) printLine(stdout, line);
    for (const line of correspondenceLines(document.inspection)) printLine(stdout, line);
  }
  const outcome = await writeReport(files, content);
  const late = [...report.warnings, ...(outcome.ok ? [] : [outcome.warning])];
  for (const warning of late) printLine(stderr, `warning: ${warning}`);
  const { file, page } = files;
  if (options.json) {
    printJson(stdout, { ...document, ...(outcome.ok && { file, page }), warnings: [...warnings, ...late] });
  } else if (outcome.ok) {
    printLine(stdout, '');
    printLine(stdout, `report ${page}, numbers ${file}`);
  }
  return EXIT.ok;
}

/** @throws TrainingError CONFIG_INVALID naming an option that only the multi-view model has. */
function requireNone({ tta, compare }: EvaluateOptions, task: string): void {
  const given = Object.entries({ '--tta': tta, '--compare': compare });
  const [first] = given.find(([, value]) => value !== undefined) ?? [];
  if (first === undefined) return;
  throw new TrainingError(
    'CONFIG_INVALID',
    `${first} is for the multi-view model, but this run trains the task ${task}`,
  );
}

interface Evaluating extends Pick<EvaluateOptions, 'dataFolder' | 'tta'> {
  readonly split: RunConfig['evaluation'];
  readonly wish: ReturnType<typeof readPlace>['wish'];
  readonly threads: number;
  readonly other: FoundCheckpoint | undefined;
  readonly made: ReportMaker;
}

async function evaluateFound(
  { checkpoint }: FoundCheckpoint,
  { dataFolder, tta, split, wish, threads, other, made }: Evaluating,
): Promise<EvaluationReport> {
  const config = configOf(checkpoint);
  const dataset = await openDataset({ name: config.dataset, folder: dataFolder ?? config.dataFolder });
  const { evaluateWeights, requireComparable } = await import('@facet/lab');
  const model = modelFor(checkpoint, dataset);
  // Attention is compared minutes later, so checkpoints that cannot be compared are refused now.
  if (other !== undefined) requireComparable(model, comparedModel(other.checkpoint, dataset));
  const evaluation = await evaluateWeights({
    ...model,
    dataset,
    split,
    engine: wishFor(wish, config.engine),
    threads,
    augmentation: tta ? 'test-time' : 'none',
  });
  // A checkpoint of a run lies two folders below it.
  const { ledger } = pathsIn(path.dirname(path.dirname(checkpoint.path)));
  const compared = other?.checkpoint;
  const { makeEvaluationReport } = await import('@facet/lab/reports');
  return makeEvaluationReport({ made, checkpoint, ledger, compared, dataset, split, evaluation, threads });
}

function readSplit(text: string): RunConfig['evaluation'] {
  const split = splits.safeParse(text);
  if (split.success) return split.data;
  const expected = `expected one of ${splits.options.join(', ')}${suggestion(text, splits.options)}`;
  throw new TrainingError('CONFIG_INVALID', `--split: '${text}', ${expected}`);
}
