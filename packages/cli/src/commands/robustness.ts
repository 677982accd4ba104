/**
 * `facet robustness`: tests a checkpoint against attacks and corruptions, in this process and without a cluster. The report
 * is written when it is whole; until then an earlier one stays.
 */
import type { Command } from 'commander';
import { gatherSamples, openDataset, type Dataset } from '@facet/datasets';
import { datasetDefinition } from '@facet/shared';
import { NORMS, type MultiView } from '@facet/multiview/config';
import type { AttackedExamples } from '@facet/lab';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { openProgressLine } from '../display/fetch-progress.js';
import { formatCount, configOf, originOf } from '@facet/lab/data';
import { robustnessLines } from '../display/robustness.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { corruptionsNamed, readRobustnessFlags, type RobustnessFlags } from '../config/robustness-options.js';
import { findCheckpoint } from '../runs/find-checkpoint.js';
import { reportMaker } from '../runs/report-maker.js';
import { addReportOption, reportFiles, writeReport } from '../runs/report-files.js';

interface RobustnessOptions extends RobustnessFlags {
  readonly dataFolder?: string;
  readonly report?: string;
  readonly json?: boolean;
}

export function addRobustnessCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = program
    .command('robustness <run>')
    .description('accuracy under adversarial attacks and corruptions, with sanity checks')
    .usage('[options] <run name | run folder | checkpoint folder>')
    .option('--attacks <list>', 'none, or some of fgsm,pgd,pgd-margin,square', 'fgsm,pgd,pgd-margin,square')
    .option('--norm <name>', 'linf, l2 or both (default: both; linf when --eps is given)')
    .option('--eps <size>', 'size of the ball, as 0.3 or 8/255 (default: linf 0.3 and 8/255, l2 2 and 0.5)')
    .option('--steps <number>', 'steps of pgd and pgd-margin (default: as published, and 50)')
    .option('--restarts <number>', 'restarts of pgd-margin (default: 5)')
    .option('--queries <number>', 'queries of square per sample (default: 1000)')
    .option('--corruptions <what>', 'standard, none, a list of names, or a folder of CIFAR-10-C or MNIST-C', 'standard')
    .option('--samples <number>', 'test images to use', '1000')
    .option('--seed <number>', 'chooses the images and every random number', '0')
    .option('--device <name>', 'cpu, webgpu or cuda', 'cpu')
    .option('--threads <number>', 'threads to use; 0 takes all cores', '0')
    .option('--data-folder <folder>', "folder with the dataset's files, instead of what the run says");
  addReportOption(command, 'robustness')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet robustness mnist-fast-20261123-181500 --samples 200')
    .action((name: string, options: RobustnessOptions) => run(() => examine(name, options, context)));
}

async function examine(name: string, options: RobustnessOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, stderr } = context;
  const { ATTACK_NAMES } = await import('@facet/multiview');
  const { corruptionNames, evaluateRobustness } = await import('@facet/lab');
  const settings = readRobustnessFlags(options, { attacks: ATTACK_NAMES, norms: NORMS });
  const { checkpoint, warnings } = await findCheckpoint(name, context);
  for (const warning of warnings) printLine(stderr, `warning: ${warning}`);
  const files = reportFiles('robustness', { named: options.report, checkpoint: checkpoint.path });
  const config = configOf(checkpoint);
  const dataset = await openLimited(config, options.dataFolder);
  const shape = { image: dataset.image, classes: dataset.classes.length };
  const corruptions = await corruptionsNamed(
    options.corruptions,
    corruptionNames(datasetDefinition(config.dataset).family),
    shape,
  );

  using line = openProgressLine(stderr);
  let examples: readonly AttackedExamples[] = [];
  let last: { readonly stage: string; readonly text: string } | undefined;
  const report = await evaluateRobustness({
    config,
    weights: checkpoint.weights,
    layout: checkpoint.layout,
    dataset,
    engine: { name: 'onnxruntime', device: settings.device },
    threads: settings.threads,
    samples: settings.samples,
    seed: settings.seed,
    attacks: settings.choice,
    corruptions,
    onExamples: (each) => {
      examples = each;
    },
    onProgress({ stage, done, total, survivors }) {
      if (last !== undefined && last.stage !== stage) line.show(last.text, false);
      const standing = survivors === undefined ? '' : `, ${formatCount(survivors)} samples still correct`;
      last = { stage, text: `${stage}: ${done} of ${total}${standing}` };
      line.show(last.text, true);
    },
  });
  if (last !== undefined) line.show(last.text, false);

  const { run, step } = checkpoint.info;
  const { weightsSha256, path: folder } = checkpoint;
  const origin = originOf(checkpoint, dataset, await reportMaker(context));
  const document = { run, step, checkpoint: folder, weightsSha256, ...origin, ...report };
  const { attackedPictures, robustnessPage } = await import('@facet/lab/reports');
  const page = robustnessPage(
    document,
    examples.map((each) => attackedPictures(each, dataset)),
  );
  if (!options.json) {
    printLine(stdout, `run ${run}, checkpoint ${folder}, step ${step}, weights sha256 ${weightsSha256}`);
    for (const text of robustnessLines(report)) printLine(stdout, text);
  }
  const outcome = await writeReport(files, { document, page });
  const late = outcome.ok ? [] : [outcome.warning];
  for (const warning of late) printLine(stderr, `warning: ${warning}`);
  const places = { file: files.file, page: files.page };
  if (options.json) printJson(stdout, { ...document, ...(outcome.ok && places), warnings: [...warnings, ...late] });
  else if (outcome.ok) printLine(stdout, `report ${files.page}, numbers ${files.file}`);
  return EXIT.ok;
}

async function openLimited({ dataset: name, dataFolder, samples }: MultiView, folder = dataFolder): Promise<Dataset> {
  const dataset = await openDataset({ name, folder });
  if (samples.test === 0) return dataset;
  const ids = Uint32Array.from({ length: samples.test }, (_, id) => id);
  return { ...dataset, test: { count: samples.test, ...gatherSamples(dataset.test, ids) } };
}
