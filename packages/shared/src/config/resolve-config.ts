/**
 * Makes one configuration from several layers: flags over environment over file over preset over defaults. Either the whole
 * configuration is sound, or every problem is listed at once. Nothing is guessed, and nothing unknown is dropped.
 */
import { PRESET_NAMES, type PresetName } from '../datasets/definition.js';
import { datasetDefinition, DATASETS, findDataset, type DatasetName } from '../datasets/registry.js';
import { PUBLISHED_ADVERSARIES } from './adversarial-schema.js';
import { suggestion } from './closest-name.js';
import { crossProblems } from './cross-checks.js';
import { readEnvironment, type Environment } from './environment.js';
import { shown } from './expectation.js';
import {
  isMapping,
  mergeLayers,
  mergeMappings,
  sourceAt,
  type ConfigLayer,
  type ConfigSource,
  type Mapping,
} from './layers.js';
import { OPERATION_DEFAULTS, PRESETS, TASK_TRAINING } from './presets.js';
import { schemaProblems, wrongAt } from './schema-problems.js';
import { configSchema, type RunConfig } from './schema.js';

export interface ConfigInput {
  /** The name of a preset, as strong as a flag. */
  readonly preset?: string | undefined;
  /** The parsed content of a YAML file; an empty file is null or undefined. */
  readonly file?: unknown;
  readonly environment: Environment;
  /** Nested like the configuration itself, with only the keys that were given. */
  readonly flags: Mapping;
  /** `--adversarial`: attacks samples as published for the dataset. Only flags may change single keys of that. */
  readonly isAdversarial?: boolean | undefined;
  /** The task of the module that `task.module` names, once it is loaded. */
  readonly task?: LoadedTaskFacts | undefined;
  /** Makes the name of the run if no layer sets one. */
  readonly defaultRun?: (named: { readonly dataset: string; readonly preset: string }) => string;
}

/** What a loaded task says of itself. */
export interface LoadedTaskFacts {
  readonly name: string;
  readonly sha256: string;
  /** Values of the training half that suit it. */
  readonly training: Mapping;
}

export type ConfigResolution =
  | {
      readonly ok: true;
      /** Frozen. */
      readonly config: RunConfig;
      /** Which layer decided a dotted key. */
      readonly sourceOf: (key: string) => ConfigSource;
      /** One sentence each about what was said and is ignored. */
      readonly notes: readonly string[];
    }
  | {
      readonly ok: false;
      /** One sentence each: the key, the actual value, what is expected. */
      readonly problems: readonly string[];
    };

/** Resolves a run's configuration. */
export function resolveConfig(input: ConfigInput): ConfigResolution {
  const said = sayings(input);
  const choice = choosePreset(mergeLayers([...said.weaker, said.flags]), input.task);
  const layers: ConfigLayer[] = [
    { source: 'default', values: OPERATION_DEFAULTS },
    { source: 'preset', values: choice.values },
    ...said.weaker,
    ...(input.isAdversarial ? [adversaryOf(choice)] : []),
    said.flags,
  ];
  const loaded = input.task === undefined ? {} : { task: { sha256: input.task.sha256 } };
  const unnamed = mergeMappings(mergeLayers(layers), loaded);
  const merged = unnamed['run'] === undefined ? { ...unnamed, run: input.defaultRun?.(choice) } : unnamed;
  const problems = [
    ...said.problems,
    ...choice.problems.map((problem) => problem(merged, layers)),
    ...schemaProblems(merged, layers).filter((problem) => !isJudgedElsewhere(problem, merged)),
    // Without a preset of that dataset another preset stands in for it; checks against the dataset would blame that one.
    ...crossProblems(choice.problems.length > 0 ? { ...merged, dataset: undefined } : merged),
  ];
  if (problems.length > 0) return { ok: false, problems };
  const config = deepFreeze(configSchema.parse(merged));
  return {
    ok: true,
    config,
    sourceOf: (key) => sourceAt(layers, key.split('.')),
    notes: [...said.notes, ...idleNotes(config)],
  };
}

/** Presets are judged where their names are known. With a task, one sentence refuses each section of the multi-view model. */
function isJudgedElsewhere(problem: string, merged: Mapping): boolean {
  const isOfModel = problem.startsWith('model.') || problem.startsWith('augmentation.');
  return problem.startsWith('preset: ') || (merged['task'] !== undefined && isOfModel);
}

/** A micro-batch is computed by one worker: of more workers than a step has micro-batches, some have nothing to do. */
function idleNotes({ workers, batch }: RunConfig): string[] {
  const microBatches = Math.ceil(batch.global / batch.micro);
  const idle = workers.count - microBatches;
  if (idle <= 0) return [];
  const sizes = `batch.global ${batch.global}, batch.micro ${batch.micro}`;
  return [
    `workers.count is ${workers.count}, but a step has ${microBatches} micro-batches (${sizes}): ${idle} of the workers have nothing to do; take at most ${microBatches}, or in a new run a smaller batch.micro or a larger batch.global`,
  ];
}

/** A layer as strong as a flag, but weaker than those that name a key. */
function adversaryOf({ dataset }: PresetChoice): ConfigLayer {
  const family = findDataset(dataset)?.family ?? 'mnist';
  return { source: 'flags', values: { adversarial: PUBLISHED_ADVERSARIES[family] } };
}

/** The layers that users make, weakest first, and the problems of those that cannot be read. */
function sayings({ preset, file, environment, flags }: ConfigInput): {
  readonly weaker: readonly ConfigLayer[];
  readonly flags: ConfigLayer;
  readonly problems: readonly string[];
  readonly notes: readonly string[];
} {
  const fromEnvironment = readEnvironment(environment);
  const isReadable = file === undefined || file === null || isMapping(file);
  const problems = isReadable ? [] : [`the file holds ${shown(file)}, expected a mapping of keys to values`];
  return {
    weaker: [
      { source: 'file', values: isMapping(file) ? file : {} },
      { source: 'environment', values: fromEnvironment.values },
    ],
    flags: { source: 'flags', values: preset === undefined ? flags : { ...flags, preset } },
    problems: [...problems, ...fromEnvironment.problems],
    notes: fromEnvironment.notes,
  };
}

type ProblemText = (merged: Mapping, layers: readonly ConfigLayer[]) => string;

interface PresetChoice {
  /** The dataset, or the task that brings its own samples. */
  readonly dataset: string;
  readonly preset: string;
  /** Has every training key. So a wrong dataset or preset does not make all other keys look missing. */
  readonly values: Mapping;
  readonly problems: readonly ProblemText[];
}

/** Chooses the preset for the keys that are not set. If only a dataset or only a preset is given, it decides the other. */
function choosePreset(said: Mapping, task: LoadedTaskFacts | undefined): PresetChoice {
  const { dataset, preset } = said;
  if (said['task'] !== undefined) return ownTask(said, task);
  const named = typeof preset === 'string' && Object.hasOwn(PRESETS, preset) ? (preset as PresetName) : undefined;
  const known = DATASETS.find((name) => name === dataset);
  const fallback = known === undefined ? undefined : datasetDefinition(known).preset;
  const chosen = named ?? fallback ?? (Object.keys(PRESETS)[0] as PresetName);
  const values = { ...PRESETS[chosen], preset: chosen };
  const choice = { dataset: known ?? values.dataset, preset: chosen, values };
  const problems: ProblemText[] = [];
  if (preset !== undefined && named === undefined) {
    problems.push((merged, layers) => `${wrongAt(['preset'], merged, layers)}, ${expectedPreset(preset)}`);
  } else if (dataset === undefined && preset === undefined) {
    problems.push(() => `dataset: missing, expected one of ${DATASETS.join(', ')}`);
  } else if (known !== undefined && !isPresetOf(chosen, known)) {
    const expected = `expected a preset of ${known}: ${presetsOf(known).join(', ')}`;
    problems.push(
      (merged, layers) =>
        `${wrongAt(['preset'], merged, layers)} is a preset of ${PRESETS[chosen].dataset}, ${expected}`,
    );
  }
  return { ...choice, problems };
}

/** Without the module at hand, as in a look at a stored run, what the configuration says is all there is. */
function ownTask({ dataset, preset }: Mapping, task: LoadedTaskFacts | undefined): PresetChoice {
  const name = task?.name ?? (typeof preset === 'string' ? preset : 'task');
  const values = mergeMappings({ ...TASK_TRAINING, preset: name }, task?.training ?? {});
  const isOther = preset !== undefined && preset !== name;
  const problem: ProblemText = (merged, layers) =>
    `${wrongAt(['preset'], merged, layers)}, expected nothing: task.module says what is trained, and ${name} is its name`;
  const known = DATASETS.find((one) => one === dataset);
  return { dataset: known ?? name, preset: name, values, problems: isOther ? [problem] : [] };
}

function expectedPreset(preset: unknown): string {
  const names = Object.keys(PRESETS);
  const advice = typeof preset === 'string' ? suggestion(preset, names) : '';
  return `expected ${names.length === 1 ? names.join() : `one of ${names.join(', ')}`}${advice}`;
}

/** Whether a preset was made for the family of a dataset. */
function isPresetOf(preset: PresetName, dataset: DatasetName): boolean {
  return PRESETS[preset].dataset === datasetDefinition(dataset).family;
}

function presetsOf(dataset: DatasetName): string[] {
  return PRESET_NAMES.filter((preset) => isPresetOf(preset, dataset));
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
