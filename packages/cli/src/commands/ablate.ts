/**
 * `facet ablate`: arms x seeds of trainings as one study that can be stopped and continued, and what their differences say.
 * Everything that can be wrong with the plan is found before anything is written.
 */
import type { Command } from 'commander';
import {
  ABLATION_ARMS,
  ARM_NAMES,
  DATASET_SHAPES,
  mergeMappings,
  TrainingError,
  trainingSchema,
  type ArmName,
  type Mapping,
  type TrainingConfig,
} from '@facet/shared';
import { ablationReport, type ArmCost } from '../ablation/ablation-report.js';
import { runStudy, type StudyEnd } from '../ablation/run-study.js';
import { studyFolder, type StudyFolder } from '../ablation/study-folder.js';
import {
  armKey,
  extendPlan,
  keysSetBy,
  readArms,
  readSeeds,
  requireBaseline,
  trialsOf,
  type StudyPlan,
  type Trial,
} from '../ablation/study-plan.js';
import { addConfigOptions, configLayer, type ConfigOptions } from '../config/config-options.js';
import { loadConfig, type LoadedConfig } from '../config/load-config.js';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { ablationLines } from '../display/ablation.js';
import { openProgressLine } from '../display/fetch-progress.js';
import { formatAccuracy, formatSeconds } from '../display/format.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { MAX_LOCAL_WORKERS } from '../launch/preflight.js';
import { listenForStop } from '../launch/stop-signals.js';
import { defaultRunName, runsFolder } from '../runs/run-folders.js';

interface AblateOptions extends ConfigOptions {
  readonly study?: string;
  readonly arms?: string;
  readonly seeds?: string;
  readonly baseline?: string;
  readonly json?: boolean;
}

const DEFAULT_SEEDS = '1-5';
const DEFAULT_BASELINE = 'no-injection';
/** Choices are made on images that no arm was trained on, and the test split is left alone. */
const HELD_OUT = { 'samples.heldOut': { samples: { heldOut: 5_000 } }, evaluation: { evaluation: 'held-out' } };

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
    .option('--json', 'print the report as one JSON object as the last line of stdout')
    .addHelpText(
      'after',
      '\nExample:\n  facet ablate --dataset mnist --set samples.train=1000 --epochs 40 --arms no-injection,augmented,views-3 --study few-labels',
    )
    .action((options: AblateOptions) => run(() => ablate(options, context)));
}

async function ablate(options: AblateOptions, context: CliContext): Promise<ExitCode> {
  const { env, stdout, stderr } = context;
  const runs = runsFolder(env);
  const place = { env, runs, configFile: options.config, maxWorkers: MAX_LOCAL_WORKERS };
  const { folder, plan, load } = await planStudy(options, place);
  const costs = await armCosts(plan, load);
  await folder.writePlan(plan);

  const end = await trainStudy({ folder, plan, load }, context);
  const trialsPlanned = trialsOf(plan).length;
  const report = ablationReport({ plan, results: end.results, trialsPlanned, costs });
  const file = await folder.writeReport('ablation.json', `${JSON.stringify(report, undefined, 2)}\n`);
  if (options.json) printJson(stdout, { ...report, file });
  else for (const line of [...ablationLines(report), `written to ${file}`]) printLine(stdout, line);
  if (!end.isStopped) return EXIT.ok;
  printLine(
    stderr,
    `stopped after ${end.results.length} of ${trialsPlanned} trials; go on with \`facet ablate --study ${plan.study}\``,
  );
  return EXIT.interrupted;
}

interface Place {
  readonly env: CliContext['env'];
  readonly runs: string;
  readonly configFile: string | undefined;
  readonly maxWorkers: number;
}

interface PlannedStudy {
  readonly folder: StudyFolder;
  readonly plan: StudyPlan;
  readonly load: (trial: Pick<Trial, 'name' | 'arm' | 'seed'>) => Promise<LoadedConfig>;
}

/** The plan of the study that was asked for, new or continued; nothing is written. */
async function planStudy(options: AblateOptions, place: Place): Promise<PlannedStudy> {
  const flags = configLayer(options, 'ablate');
  const arms = options.arms === undefined ? undefined : readArms(options.arms);
  const seeds = options.seeds === undefined ? undefined : readSeeds(options.seeds);
  const before = options.study === undefined ? undefined : await studyFolder(place.runs, options.study).readPlan();
  const saysTraining = options.config !== undefined || Object.keys(flags).some((key) => key in trainingSchema.shape);
  const base =
    before !== undefined && !saysTraining
      ? before.base
      : await loadBase(flags, arms ?? before?.arms.map(({ name }) => name) ?? ARM_NAMES, place);
  const study = options.study ?? defaultRunName(`${place.runs}/studies`, base, new Date());
  const folder = studyFolder(place.runs, study);
  const { operation } = splitKeys(flags);
  const studyRuns = { ...place, configFile: undefined, runs: folder.runs };
  const load: PlannedStudy['load'] = ({ name, arm, seed }) => {
    const training = mergeMappings({ ...base }, ABLATION_ARMS[arm].sets);
    return loadConfig({ ...studyRuns, flags: { ...training, ...operation, seed, run: name } });
  };
  const names = arms ?? before?.arms.map(({ name }) => name) ?? ARM_NAMES;
  const wanted: StudyPlan = {
    version: 1,
    study,
    base,
    arms: await Promise.all(
      names.map(async (name) => {
        const { config } = await load({ name, arm: name, seed: base.seed });
        return { name, key: armKey(trainingPart(config)) };
      }),
    ),
    seeds: seeds ?? before?.seeds ?? readSeeds(DEFAULT_SEEDS),
    baseline: baselineOf(options.baseline ?? before?.baseline, names, before),
  };
  return { folder, plan: before === undefined ? wanted : extendPlan(before, wanted), load };
}

/** The baseline that was named; else plain attention, or the first arm where that is none of them. */
function baselineOf(named: string | undefined, arms: readonly ArmName[], before: StudyPlan | undefined): ArmName {
  const all = [...new Set([...(before?.arms.map(({ name }) => name) ?? []), ...arms])];
  if (named !== undefined) return requireBaseline(named, all);
  return all.find((name) => name === DEFAULT_BASELINE) ?? all[0]!;
}

/**
 * The base configuration of a new study.
 *
 * @throws TrainingError CONFIG_INVALID when somebody set a key that an arm sets too.
 */
async function loadBase(flags: Mapping, arms: readonly ArmName[], place: Place): Promise<TrainingConfig> {
  if (flags['seed'] !== undefined) {
    throw new TrainingError('CONFIG_INVALID', 'seed: a study has several, expected --seeds instead');
  }
  const { sourceOf } = await loadConfig({ ...place, flags: { ...flags, run: 'base' } });
  const isSaid = (key: string): boolean => !['preset', 'default'].includes(sourceOf(key));
  const conflicts = keysSetBy(arms).filter(isSaid);
  if (conflicts.length > 0) {
    const setters = (key: string): string => arms.filter((arm) => keysSetBy([arm]).includes(key)).join(', ');
    const list = conflicts.map((key) => `${key} is set by the arms ${setters(key)}`).join('; ');
    throw new TrainingError('CONFIG_INVALID', `${list}: leave it out, or leave these arms out with --arms`);
  }
  const defaults = Object.entries(HELD_OUT)
    .filter(([key]) => !isSaid(key))
    .reduce<Mapping>((merged, [, values]) => mergeMappings(merged, values), {});
  const { config } = await loadConfig({ ...place, flags: { ...mergeMappings(defaults, flags), run: 'base' } });
  return { ...trainingPart(config), seed: 0 };
}

/** Flags that decide the arithmetic, and those that only say where and how it is done. */
function splitKeys(flags: Mapping): { readonly operation: Mapping } {
  const operation = Object.entries(flags).filter(([key]) => !(key in trainingSchema.shape));
  return { operation: Object.fromEntries(operation) };
}

function trainingPart(config: TrainingConfig): TrainingConfig {
  const keys = Object.keys(trainingSchema.shape) as (keyof TrainingConfig)[];
  return Object.fromEntries(keys.map((key) => [key, config[key]])) as TrainingConfig;
}

/** What the model of every arm costs. */
async function armCosts(plan: StudyPlan, load: PlannedStudy['load']): Promise<Map<ArmName, ArmCost>> {
  const { describePrograms } = await import('@facet/worker');
  const costs = new Map<ArmName, ArmCost>();
  for (const { name } of plan.arms) {
    const { config } = await load({ name, arm: name, seed: 0 });
    const { parameters, programs, microBatch } = await describePrograms({
      ...DATASET_SHAPES[config.dataset],
      config: config.model,
      microBatch: config.batch.micro,
      labelSmoothing: config.optimizer.labelSmoothing,
    });
    const { matMulFlops } = programs.find((program) => program.name === 'evaluate')!.compiled;
    costs.set(name, { parameters, macsPerImage: matMulFlops / 2 / microBatch });
  }
  return costs;
}

async function trainStudy({ folder, plan, load }: PlannedStudy, context: CliContext): Promise<StudyEnd> {
  const { trainTrial } = await import('../ablation/train-trial.js');
  using signals = listenForStop(context);
  using line = openProgressLine(context.stderr);
  line.show(`study ${plan.study} in ${folder.path}`, false);
  let head = '';
  let startedAt = performance.now();
  let done = 0;
  return await runStudy(plan, {
    folder,
    train: (trial) =>
      trainTrial(trial, {
        runs: folder.runs,
        env: context.env,
        signals,
        load,
        onProgress: (text) => {
          line.show(`${head}: ${text}`, true);
        },
        onNote: (text) => {
          line.show(text, false);
        },
      }),
    observer: {
      onTrial: (trial, { ahead, all }) => {
        if (done === 0) startedAt = performance.now();
        const each =
          done === 0 ? '' : `, about ${formatSeconds(((performance.now() - startedAt) / 1_000 / done) * ahead)} left`;
        head = `trial ${all - ahead + 1} of ${all}, ${trial.arm}, seed ${trial.seed}${each}`;
        line.show(head, true);
      },
      onResult: (trial, { accuracy, trainSeconds }) => {
        done += 1;
        line.show(
          `${trial.arm}, seed ${trial.seed}: ${formatAccuracy(accuracy)} after ${formatSeconds(trainSeconds)}`,
          false,
        );
      },
    },
  });
}
