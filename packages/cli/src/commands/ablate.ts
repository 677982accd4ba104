/**
 * `facet ablate`: arms x seeds of trainings as one study that can be stopped and continued, and what their differences say.
 * Everything that can be wrong with the plan is found before anything is written.
 */
import type { Command } from 'commander';
import { ARM_NAMES } from '@facet/multiview/config';
import {
  ablationReport,
  type AblationReport,
  planStudy,
  type PlannedStudy,
  type StudyWish,
  runStudy,
  sortTrials,
  type StudyEnd,
  type StudyWork,
  DEFAULT_BASELINE,
  DEFAULT_SEEDS,
  type StudyReportFiles,
  type TrialResult,
} from '@facet/lab/data';
import { loadConfig } from '../config/load-config.js';
import { addConfigOptions, configLayer, type ConfigOptions } from '../config/config-options.js';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { ablationLines } from '../display/ablation.js';
import { openProgressLine } from '../display/fetch-progress.js';
import { studyProgress } from '../display/study-progress.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { checkLaunch, MAX_LOCAL_WORKERS } from '../launch/preflight.js';
import { listenForStop } from '../launch/stop-signals.js';
import { reportMaker } from '../runs/report-maker.js';
import { defaultRunName, runsFolder } from '../runs/run-folders.js';

interface AblateOptions extends ConfigOptions, StudyWish {
  readonly json?: boolean;
  readonly secure?: boolean;
}

export function addAblateCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = program
    .command('ablate')
    .description('train arms x seeds as one study that can be continued, and compare the arms by paired differences')
    .option('--study <name>', 'a new study, or one to go on with (default: from preset and time)')
    .option('--arms <list>', `some of ${ARM_NAMES.join(',')} (default: all)`)
    .option('--seeds <list>', `seeds, as in 1,2,3 or 1-5 (default: ${DEFAULT_SEEDS})`)
    .option('--baseline <arm>', `what differences are taken against (default: ${DEFAULT_BASELINE})`);
  addConfigOptions(command, 'ablate')
    .option('--secure', 'encrypt all connections of a trial, with short-lived certificates of its own')
    .option('--json', 'print the report as one JSON object as the last line of stdout')
    .addHelpText(
      'after',
      '\nExample:\n  facet ablate --dataset mnist --set samples.train=1000 --epochs 40 --arms no-injection,augmented,views-3 --study few-labels',
    )
    .action((options: AblateOptions) => run(() => ablate(options, context)));
}

async function ablate(options: AblateOptions, context: CliContext): Promise<ExitCode> {
  const { env } = context;
  const { config: configFile, adversarial: isAdversarial } = options;
  const study = await planStudy(options, {
    runs: runsFolder(env),
    flags: configLayer(options, 'ablate'),
    loadConfig: (layers) => loadConfig({ ...layers, env, configFile, isAdversarial, maxWorkers: MAX_LOCAL_WORKERS }),
    nameFor: (studies, base) => defaultRunName(studies, base, new Date()),
  });
  const { folder, plan, load } = study;
  const [next] = (await sortTrials(plan, folder)).left;
  if (next !== undefined) await checkLaunch({ ...(await load(next)), env });
  const { armCosts } = await import('@facet/lab');
  const costs = await armCosts(plan.arms, load);

  const lock = await folder.lock();
  try {
    await folder.writePlan(plan);
    const reportOf = async (results: readonly TrialResult[]): Promise<AblationReport> =>
      ablationReport({ made: await reportMaker(context), plan, results, costs });
    const isSecure = options.secure === true;
    const end = await trainStudy({ ...study, isSecure }, context, async (results) => {
      await writeFiles(study, await reportOf(results));
    });
    const report = await reportOf(end.results);
    const files = await writeFiles(study, report);
    return showEnd(end, { report, files, isJson: options.json === true }, context);
  } finally {
    await lock.release();
  }
}

/** ablation.json and the page that is drawn from it. */
async function writeFiles({ folder }: PlannedStudy, report: AblationReport): Promise<StudyReportFiles> {
  const { ablationPage } = await import('@facet/lab/reports');
  return folder.writeReport({ document: report, page: ablationPage(report) });
}

/** Trains what is left; `onResults` is told all results so far after every trial. */
async function trainStudy(
  { folder, plan, load, isSecure }: PlannedStudy & { readonly isSecure: boolean },
  context: CliContext,
  onResults: (results: readonly TrialResult[]) => Promise<void>,
): Promise<StudyEnd> {
  const { trainTrial } = await import('../launch/train-trial.js');
  using signals = listenForStop(context);
  using line = openProgressLine(context.stderr);
  const progress = studyProgress(line);
  progress.note(`study ${plan.study} in ${folder.path}`);
  const place = {
    runs: folder.runs,
    env: context.env,
    signals,
    isSecure,
    load,
    onProgress: progress.step,
    onNote: progress.note,
  };
  const observer: StudyWork['observer'] = {
    onTrial: progress.begin,
    onResult: async (trial, results) => {
      progress.finish(trial, results.at(-1)!);
      await onResults(results);
    },
  };
  return await runStudy(plan, { folder, observer, train: (trial) => trainTrial(trial, place) });
}

interface Shown {
  readonly report: AblationReport;
  readonly files: StudyReportFiles;
  readonly isJson: boolean;
}

function showEnd(end: StudyEnd, { report, files, isJson }: Shown, { stdout, stderr }: CliContext): ExitCode {
  if (isJson) printJson(stdout, { ...report, ...files });
  else for (const text of [...ablationLines(report), `written to ${files.page}`]) printLine(stdout, text);
  if (!end.isStopped) return EXIT.ok;
  const { study, trialsFinished, trialsPlanned } = report;
  const advice = `go on with \`facet ablate --study ${study}\``;
  printLine(stderr, `stopped after ${trialsFinished} of ${trialsPlanned} trials; ${advice}`);
  return EXIT.interrupted;
}
