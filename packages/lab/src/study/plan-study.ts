/**
 * Makes the plan of a new or continued study and the configuration of each trial from what its user says. All mistakes in a
 * study are found here, before anything is written.
 */
import {
  operationPart,
  TrainingError,
  trainingPart,
  valueAt,
  type ConfigSource,
  type Mapping,
  type RunConfig,
  type TrainingConfig,
} from '@facet/shared';
import { ARM_NAMES, PRESETS, type ArmName, type PresetName, requireMultiView } from '@facet/multiview/config';
import { DEFAULT_BASELINE, DEFAULT_SEEDS, STUDY_DEFAULTS } from './study-defaults.js';
import { studiesFolder, studyFolder, type StudyFolder } from './study-folder.js';
import {
  armKey,
  extendPlan,
  keysSetBy,
  readArms,
  withArm,
  readSeeds,
  requireBaseline,
  type StudyPlan,
  type Trial,
} from './study-plan.js';

/** The flags of a study. A missing one keeps the earlier plan's value, or takes the default. */
export interface StudyWish {
  readonly study?: string;
  readonly arms?: string;
  readonly seeds?: string;
  readonly baseline?: string;
}

/** A configuration, and where its values come from. */
export interface StudyConfig {
  readonly config: RunConfig;
  readonly sourceOf: (key: string) => ConfigSource;
}

/** What a study adds to the layers that a configuration is read from. */
export interface StudyLayers {
  /** The folder that the configuration's run is in. */
  readonly runs: string;
  /** Overrides everything else. */
  readonly flags: Mapping;
  /** What the configuration is where nobody says otherwise. */
  readonly weakest?: Mapping;
}

/** Where a study gets its configurations and its name from. */
export interface StudyPlace extends Omit<StudyLayers, 'weakest'> {
  /** Reads a configuration: files, environment and flags are the caller's business. */
  readonly loadConfig: (layers: StudyLayers) => Promise<StudyConfig>;
  /** A name that no study in the folder has. */
  readonly nameFor: (studies: string, base: { readonly dataset: string; readonly preset: string }) => string;
}

export interface PlannedStudy {
  readonly folder: StudyFolder;
  readonly plan: StudyPlan;
  /** The configuration of a trial. */
  readonly load: LoadTrial;
}

/** Reads the configuration of a trial from the plan; where and how it runs comes from the command line. */
export type LoadTrial = (trial: Pick<Trial, 'name' | 'arm' | 'seed'>) => Promise<StudyConfig>;

/**
 * Plans a study.
 *
 * @throws TrainingError CONFIG_INVALID for a wrong flag or configuration, RUN_NAME_INVALID, and STUDY_CHANGED when a study
 *   that goes on would become another one.
 */
export async function planStudy(wish: StudyWish, place: StudyPlace): Promise<PlannedStudy> {
  const said = {
    arms: wish.arms === undefined ? undefined : readArms(wish.arms),
    seeds: wish.seeds === undefined ? undefined : readSeeds(wish.seeds),
  };
  const before = wish.study === undefined ? undefined : await studyFolder(place.runs, wish.study).readPlan();
  const base = await loadBase(before?.base, place);
  const planned = before?.arms.map(({ name }) => name) ?? [];
  const arms = said.arms ?? (before === undefined ? ARM_NAMES : planned);
  const added = arms.filter((name) => !planned.includes(name));
  requireUntouched(added, base);
  const study = wish.study ?? place.nameFor(studiesFolder(place.runs), requireMultiView(base, 'a study'));
  const folder = studyFolder(place.runs, study);
  const load = trialLoader(base, { ...place, runs: folder.runs });
  const wanted: StudyPlan = {
    version: 1,
    study,
    base,
    arms: await Promise.all(arms.map(async (name) => ({ name, key: await keyOf(name, load) }))),
    seeds: said.seeds ?? before?.seeds ?? readSeeds(DEFAULT_SEEDS),
    baseline: baselineOf(wish.baseline ?? before?.baseline, [...planned, ...added]),
  };
  return { folder, plan: before === undefined ? wanted : extendPlan(before, wanted), load };
}

/** The base configuration, which no arm changes: the earlier plan's, overridden by the command line. */
async function loadBase(before: TrainingConfig | undefined, place: StudyPlace): Promise<TrainingConfig> {
  const weakest = before === undefined ? STUDY_DEFAULTS : { ...before, seed: undefined };
  const { config, sourceOf } = await place.loadConfig({
    runs: place.runs,
    weakest,
    flags: { ...place.flags, run: 'base' },
  });
  const spoken: readonly ConfigSource[] = ['flags', 'environment', 'file'];
  if (spoken.includes(sourceOf('seed'))) {
    throw new TrainingError('CONFIG_INVALID', `seed: ${config.seed}, expected --seeds instead: a study has several`);
  }
  return { ...trainingPart(config), seed: 0 };
}

/** The configuration of a trial overrides what the command line says of training; the rest is taken from there. */
function trialLoader(base: TrainingConfig, { runs, flags, loadConfig }: StudyPlace): LoadTrial {
  return ({ name, arm, seed }) => {
    const training = withArm({ ...base, seed }, arm);
    return loadConfig({ runs, flags: { ...operationPart(flags), ...training, run: name } });
  };
}

async function keyOf(arm: ArmName, load: LoadTrial): Promise<string> {
  const { config } = await load({ name: arm, arm, seed: 0 });
  return armKey(trainingPart(config));
}

/**
 * An arm means the same in every study, so what it sets must be as the preset has it in the base.
 *
 * @throws TrainingError CONFIG_INVALID naming the keys and the arms.
 */
function requireUntouched(arms: readonly ArmName[], base: TrainingConfig): void {
  const preset = PRESETS[base.preset as PresetName];
  const faults = keysSetBy(arms).flatMap((key) => {
    const [actual, expected] = [base, preset].map(({ task }) => JSON.stringify(valueAt(task.options, key.split('.'))));
    if (actual === expected) return [];
    const setters = arms.filter((arm) => keysSetBy([arm]).includes(key)).join(', ');
    return [`${key}: ${actual}, expected ${expected} as in preset ${base.preset}, because it is set by ${setters}`];
  });
  if (faults.length === 0) return;
  const advice = 'leave it out, or leave these arms out with --arms';
  throw new TrainingError('CONFIG_INVALID', `${faults.join('; ')}; ${advice}`);
}

/** The named baseline, otherwise plain attention, or the first arm if plain attention is not among the arms. */
function baselineOf(named: string | undefined, arms: readonly ArmName[]): ArmName {
  if (named !== undefined) return requireBaseline(named, arms);
  return arms.find((name) => name === DEFAULT_BASELINE) ?? arms[0]!;
}
