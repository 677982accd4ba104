/**
 * Makes one configuration from several layers: flags over environment over file over preset over defaults. Either the whole
 * configuration is sound, or every problem is listed at once. Nothing is guessed, and nothing unknown is dropped.
 */
import { DATASETS, findDataset, type KnownDataset } from '../datasets/registry.js';
import { suggestion } from './closest-name.js';
import { configKeys } from './config-keys.js';
import { crossProblems } from './cross-checks.js';
import { readEnvironment, type Environment } from './environment.js';
import { shown } from './expectation.js';
import { withoutIdleAdversary } from './first-form.js';
import {
  isMapping,
  mergeLayers,
  mergeMappings,
  sourceAt,
  valueAt,
  type ConfigLayer,
  type ConfigSource,
  type Mapping,
} from './layers.js';
import { shortKeysOf, type NamedTask, type NamedTasks } from './named-task.js';
import { OPERATION_DEFAULTS, TASK_TRAINING } from './defaults.js';
import { schemaProblems, wrongAt, type JudgedConfig } from './schema-problems.js';
import { inLongForm, longPath, twiceSet } from './short-keys.js';
import { moduleOptionProblems, type ModuleOptionIssue } from './module-options.js';
import type { RunConfig } from './schema.js';

export interface ConfigInput {
  /** The tasks that a configuration may name. */
  readonly tasks: NamedTasks;
  /** The name of a preset, as strong as a flag. */
  readonly preset?: string | undefined;
  /** Values that everything else here overrides, but no preset does: of a stored run, or of a study. */
  readonly stored?: Mapping | undefined;
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
  /** The names of its options, as far as they are known. */
  readonly optionNames: readonly string[];
  /** What it has against its options. */
  readonly optionIssues: (options: Mapping) => readonly ModuleOptionIssue[];
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
  const choice = choosePreset(mergeLayers([...said.weaker, said.flags]), input);
  const { task } = choice;
  const keys = configKeys(input.tasks, task);
  const written: ConfigLayer[] = [
    ...said.weaker,
    ...(input.isAdversarial ? [adversaryOf(choice, input.tasks)] : []),
    said.flags,
  ];
  const layers: ConfigLayer[] = [
    { source: 'default', values: OPERATION_DEFAULTS },
    { source: 'preset', values: choice.values },
    ...written.map((layer) => (task === undefined ? ofModule(layer) : inLongForm(layer, keys.shortKeys))),
  ];
  const loaded = input.task === undefined ? {} : { task: { sha256: input.task.sha256 } };
  const unnamed = mergeMappings(mergeLayers(layers), loaded);
  const merged = unnamed['run'] === undefined ? { ...unnamed, run: input.defaultRun?.(choice) } : unnamed;
  const judged: JudgedConfig = { merged, layers, keys };
  const problems = [
    ...said.problems,
    ...choice.problems.map((problem) => problem(judged)),
    ...written.flatMap((layer) => twiceSet(layer, keys.shortKeys)),
    ...schemaProblems(judged).filter((problem) => !isJudgedElsewhere(problem, choice, input.tasks)),
    // Without a preset of that dataset another preset stands in for it; checks against the dataset would blame that one.
    ...crossProblems(choice.problems.length > 0 ? { ...merged, dataset: undefined } : merged, {
      ...{ tasks: input.tasks, task, layers, keys },
    }),
    ...(input.task === undefined ? [] : moduleOptionProblems(input.task, judged)),
  ];
  if (problems.length > 0) return { ok: false, problems };
  const config = deepFreeze(keys.schema.parse(merged) as RunConfig);
  return {
    ok: true,
    config,
    sourceOf: (key) => sourceAt(layers, longPath(key.split('.'), keys.shortKeys)),
    notes: [...said.notes, ...idleNotes(config)],
  };
}

/** An earlier version stored a section that has no effect beside every module. */
function ofModule(layer: ConfigLayer): ConfigLayer {
  return { ...layer, values: withoutIdleAdversary(layer.values) };
}

/** Presets and names of tasks are judged where they are known. With a module, one sentence refuses each key of another task. */
function isJudgedElsewhere(problem: string, { task }: PresetChoice, tasks: NamedTasks): boolean {
  if (problem.startsWith('preset: ') || problem.startsWith('task.name: ')) return true;
  return task === undefined && tasks.flatMap(shortKeysOf).some((key) => problem.startsWith(`${key}: unknown key`));
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
function adversaryOf({ dataset, task }: PresetChoice, tasks: NamedTasks): ConfigLayer {
  return { source: 'flags', values: (task ?? tasks[0]).attacked(findDataset(dataset)) };
}

/** The layers that users make, weakest first, and the problems of those that cannot be read. */
function sayings({ preset, stored = {}, file, environment, flags }: Omit<ConfigInput, 'tasks'>): {
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
      { source: 'file', values: stored },
      { source: 'file', values: isMapping(file) ? file : {} },
      { source: 'environment', values: fromEnvironment.values },
    ],
    flags: { source: 'flags', values: preset === undefined ? flags : { ...flags, preset } },
    problems: [...problems, ...fromEnvironment.problems],
    notes: fromEnvironment.notes,
  };
}

type ProblemText = (judged: JudgedConfig) => string;

interface PresetChoice {
  /** The task that has the preset; undefined for a module. */
  readonly task: NamedTask | undefined;
  /** The dataset, or the task that brings its own samples. */
  readonly dataset: string;
  readonly preset: string;
  /** Has every training key. So a wrong dataset or preset does not make all other keys look missing. */
  readonly values: Mapping;
  readonly problems: readonly ProblemText[];
}

/** Chooses the preset for the keys that are not set. If only a dataset or only a preset is given, it decides the other. */
function choosePreset(said: Mapping, input: Pick<ConfigInput, 'tasks' | 'task'>): PresetChoice {
  if (valueAt(said, ['task', 'module']) !== undefined) return presetOfModule(said, input.task);
  const { dataset, preset } = said;
  const { task, problems } = chooseTask(said, input.tasks);
  const names = Object.keys(task.presets);
  const named = names.find((name) => name === preset);
  const known = typeof dataset === 'string' ? findDataset(dataset) : undefined;
  const ofDataset = known === undefined ? [] : task.presetsFor(known);
  const chosen = named ?? ofDataset[0] ?? names[0]!;
  const values = { ...task.presets[chosen]!, preset: chosen };
  const faults = presetProblems({ dataset, preset, known, chosen, isNamed: named !== undefined }, task, ofDataset);
  return {
    task,
    dataset: known?.name ?? values.dataset ?? task.name,
    preset: chosen,
    values,
    problems: [...problems, ...faults],
  };
}

interface SaidPreset {
  readonly dataset: unknown;
  readonly preset: unknown;
  readonly known: KnownDataset | undefined;
  readonly chosen: string;
  readonly isNamed: boolean;
}

function presetProblems(
  { dataset, preset, known, chosen, isNamed }: SaidPreset,
  { presets }: NamedTask,
  ofDataset: readonly string[],
): ProblemText[] {
  if (preset !== undefined && !isNamed) {
    return [(judged) => `${wrongAt(['preset'], judged)}, ${expectedName(preset, Object.keys(presets))}`];
  }
  if (dataset === undefined && preset === undefined) {
    return [() => `dataset: missing, expected one of ${DATASETS.join(', ')}`];
  }
  if (known === undefined || ofDataset.includes(chosen)) return [];
  const expected = `expected a preset of ${known.name}: ${ofDataset.join(', ')}`;
  return [(judged) => `${wrongAt(['preset'], judged)} is a preset of ${presets[chosen]!.dataset}, ${expected}`];
}

/** The task that is named, or the one that has the named preset, or the first one. */
function chooseTask(
  { task: said, preset }: Mapping,
  tasks: NamedTasks,
): { readonly task: NamedTask; readonly problems: readonly ProblemText[] } {
  const name = valueAt(said, ['name']);
  if (name === undefined) {
    const owner = tasks.find(({ presets }) => typeof preset === 'string' && Object.hasOwn(presets, preset));
    return { task: owner ?? tasks[0], problems: [] };
  }
  const task = tasks.find((one) => one.name === name);
  if (task !== undefined) return { task, problems: [] };
  const expected = expectedName(
    name,
    tasks.map((one) => one.name),
  );
  const problem: ProblemText = (judged) =>
    `${wrongAt(['task', 'name'], judged)}, ${expected}; a task of your own has its file in task.module`;
  return { task: tasks[0], problems: [problem] };
}

/** Without the module at hand, as in a look at a stored run, what the configuration says is all there is. */
function presetOfModule({ dataset, preset }: Mapping, task: LoadedTaskFacts | undefined): PresetChoice {
  const name = task?.name ?? (typeof preset === 'string' ? preset : 'task');
  const values = mergeMappings({ ...TASK_TRAINING, preset: name }, task?.training ?? {});
  const isOther = preset !== undefined && preset !== name;
  const problem: ProblemText = (judged) =>
    `${wrongAt(['preset'], judged)}, expected nothing: task.module says what is trained, and ${name} is its name`;
  const known = DATASETS.find((one) => one === dataset);
  return { task: undefined, dataset: known ?? name, preset: name, values, problems: isOther ? [problem] : [] };
}

function expectedName(given: unknown, names: readonly string[]): string {
  const advice = typeof given === 'string' ? suggestion(given, names) : '';
  return `expected ${names.length === 1 ? names.join() : `one of ${names.join(', ')}`}${advice}`;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
