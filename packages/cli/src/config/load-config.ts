/**
 * Reads a run's configuration from its layers for a command: the file is read and parsed here, everything is judged by
 * resolveConfig, and what is wrong becomes one error that lists all of it.
 */
import path from 'node:path';
import {
  asStarted,
  canonicalJson,
  CHANGEABLE_KEYS,
  changedTrainingKeys,
  mergeMappings,
  fromFirstForm,
  isRunName,
  moduleTask,
  readRegularText,
  resolveConfig,
  shortKey,
  stepRule,
  TrainingError,
  valueAt,
  type ConfigInput,
  type ConfigSource,
  type Mapping,
  type RunConfig,
  type ScheduleWay,
} from '@facet/shared';
import { NAMED_TASKS } from '@facet/lab/data';
import { parse } from 'yaml';
import type { Environment } from '../context.js';
import { defaultRunName, requireRun, runPaths, type RunPaths } from '../runs/run-folders.js';
import { areChangeable, changedConfig, readLedgerFacts, withLedgerChanges } from './stored-changes.js';

/** A configuration has a hundred keys. The parser takes time that grows with the square of the depth. */
const MOST_CONFIG_BYTES = 128 * 1024;

export interface LoadedConfig {
  readonly config: RunConfig;
  readonly sourceOf: (key: string) => ConfigSource;
  /** One sentence each about what was said and is ignored. */
  readonly notes: readonly string[];
}

export interface LoadConfigOptions {
  readonly env: Environment;
  readonly runs: string;
  readonly flags: Mapping;
  readonly configFile?: string | undefined;
  /** Values that the file, the environment and the flags override, but no preset does. */
  readonly weakest?: Mapping;
  readonly isAdversarial?: boolean | undefined;
  /** The most workers that this command takes; absent: as the schema says. */
  readonly maxWorkers?: number;
}

export interface LoadStoredOptions extends LoadConfigOptions {
  /** What the schedule of the learning rate does after a change. */
  readonly schedule?: ScheduleWay | undefined;
}

/**
 * The configuration of a new run.
 *
 * @throws TrainingError CONFIG_INVALID with every problem; RUN_NAME_INVALID when the name is the only one.
 */
export async function loadConfig(options: LoadConfigOptions): Promise<LoadedConfig> {
  const { env, runs, flags, configFile, weakest, isAdversarial } = options;
  const file = weakest === undefined ? await readOptional(configFile) : await readMapping(configFile);
  const defaultRun = (named: { dataset: string; preset: string }): string => defaultRunName(runs, named, new Date());
  const task = await loadTaskFacts([weakest, file, flags]);
  return resolve({ stored: weakest, file, environment: env, flags, isAdversarial, task, defaultRun }, options);
}

/**
 * The configuration that a run goes on with: as stored, with the overrides of this command, under the name of its folder. More
 * epochs and values that the update alone reads become a recorded change, which holds from the next step on.
 *
 * @throws TrainingError RUN_NOT_FOUND; RUN_NAME_INVALID; CHECKPOINT_INCOMPATIBLE naming every override that would change the arithmetic
 *   of steps that are done; CONFIG_INVALID when the stored configuration or an override is wrong.
 */
export async function loadStoredConfig(
  nameOrPath: string,
  options: LoadStoredOptions,
): Promise<LoadedConfig & { readonly paths: RunPaths }> {
  const { env, runs, flags, configFile, isAdversarial, schedule } = options;
  const { folder } = await requireRun(runs, nameOrPath);
  const run = path.basename(folder);
  const paths = runPaths(path.dirname(folder), run);
  // A run of a build that had no such key is of the first arithmetic, not of what its preset has today.
  const stored = { arithmetic: 1, ...(fromFirstForm(await readMapping(paths.config)) as Mapping), run };
  const asStored = resolve({ file: stored, environment: {}, flags: {} }, { ...options, configFile: paths.config });
  const facts = await readLedgerFacts(paths.ledger);
  const before = withLedgerChanges(asStored.config, facts);
  const file = await readMapping(configFile);
  // A file that says what resumes changed is the whole configuration of a launch, whose own values it must agree with.
  const isWhole = isFilledList(file['changes']);
  const ofRun = { ...before, ...(!isWhole && { changes: [] }) };
  const task = await loadTaskFacts([ofRun, file, flags]);
  const after = resolve({ stored: ofRun, file, environment: env, flags, isAdversarial, task }, options);
  requireSameName(after.config, run);
  const keys = changedTrainingKeys(ofRun, after.config);
  if (isWhole && goesOn(before, after.config)) return { ...after, paths };
  if (!areChangeable(keys)) throw incompatible(before, after.config, { keys, said: mergeMappings(file, flags) });
  if (keys.length === 0 && schedule === undefined)
    return { ...after, config: withChangesOf(after.config, before), paths };
  const { learningRate } = await import('@facet/task/data');
  const { config, notes } = changedConfig({ before, after: after.config, keys, schedule, facts }, (of, step) => {
    const rule = stepRule(of, facts.stepsPerEpoch, step);
    return learningRate(rule.optimizer, rule.schedule.step, rule.schedule.totalSteps);
  });
  return { ...after, config: Object.freeze(config), notes: [...after.notes, ...notes], paths };
}

function isFilledList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

function requireSameName({ run }: RunConfig, expected: string): void {
  if (run === expected) return;
  throw new TrainingError('CONFIG_INVALID', `run: '${run}', expected '${expected}', which is resumed`);
}

/** Whether a configuration with changes is that of the run, with no change or with further ones. */
function goesOn(before: RunConfig, after: RunConfig): boolean {
  const ofRun = after.changes.slice(0, before.changes.length);
  const hasSameStart = changedTrainingKeys(asStarted(before), asStarted(after)).length === 0;
  return hasSameStart && canonicalJson(ofRun) === canonicalJson(before.changes);
}

function withChangesOf(config: RunConfig, { changes }: RunConfig): RunConfig {
  return changes.length === 0 ? config : Object.freeze({ ...config, changes });
}

interface AskedChange {
  readonly keys: readonly string[];
  /** What the user said of it. */
  readonly said: Mapping;
}

function incompatible(before: RunConfig, after: RunConfig, { keys, said }: AskedChange): TrainingError {
  const named = (key: string): string =>
    valueAt(said, key.split('.')) === undefined ? shortKey(key, NAMED_TASKS) : key;
  const list = keys
    .filter((key) => !CHANGEABLE_KEYS.includes(key))
    .map((key) => `${named(key)} is ${shownAt(before, key)} in run ${before.run}, asked for ${shownAt(after, key)}`)
    .join('; ');
  return new TrainingError(
    'CHECKPOINT_INCOMPATIBLE',
    `${list}: what decides the arithmetic is fixed for the life of a run, except ${CHANGEABLE_KEYS.join(', ')}; leave it out, or start a new run with \`facet up\``,
  );
}

/**
 * Parses a YAML file; JSON is YAML too.
 *
 * @throws TrainingError CONFIG_INVALID naming the file, and the line when it is no YAML.
 */
export async function readConfigFile(file: string): Promise<unknown> {
  try {
    return parse(await readRegularText(file, MOST_CONFIG_BYTES)) as unknown;
  } catch (caught) {
    const { code, message } = caught as NodeJS.ErrnoException;
    const fault = code === 'ENOENT' ? 'there is no such file' : message.trim();
    throw new TrainingError('CONFIG_INVALID', `${file}: ${fault}; expected a YAML file with configuration keys`, {
      cause: caught,
    });
  }
}

function resolve(input: Omit<ConfigInput, 'tasks'>, { maxWorkers, configFile, runs }: LoadConfigOptions): LoadedConfig {
  const resolved = resolveConfig({ ...input, tasks: NAMED_TASKS });
  const problems = resolved.ok ? [] : [...resolved.problems];
  if (maxWorkers !== undefined) limitWorkers(problems, resolved.ok ? resolved.config.workers.count : 0, maxWorkers);
  if (problems.length === 0 && resolved.ok) return { ...resolved, config: withAbsolutePaths(resolved.config) };
  const [first] = problems;
  const badName = input.flags['run'];
  if (problems.length === 1 && first?.startsWith('run: ') && typeof badName === 'string' && !isRunName(badName)) {
    runPaths(runs, badName);
  }
  const shown = problems.map((problem) => problem.replaceAll('(from the file)', `(from ${configFile ?? 'the file'})`));
  const text =
    shown.length === 1 ? shown.join() : `${shown.length} problems:\n${shown.map((line) => `  ${line}`).join('\n')}`;
  throw new TrainingError('CONFIG_INVALID', text);
}

/** The other processes of a run, and a later resume, may run in another folder. */
function withAbsolutePaths(config: RunConfig): RunConfig {
  const { dataFolder, tls } = config;
  const task = moduleTask(config);
  return Object.freeze({
    ...config,
    ...(dataFolder !== undefined && { dataFolder: path.resolve(dataFolder) }),
    ...(tls !== undefined && { tls: { ...tls, folder: path.resolve(tls.folder) } }),
    ...(task !== undefined && { task: { ...task, module: path.resolve(task.module) } }),
  });
}

/** Loads the task that the layers name; undefined when they name none. */
async function loadTaskFacts(layers: readonly unknown[]): Promise<ConfigInput['task']> {
  const module = layers.map((layer) => valueAt(layer, ['task', 'module'])).findLast((value) => value !== undefined);
  if (typeof module !== 'string') return undefined;
  const { loadTask, optionNames, readOptions } = await import('@facet/task/data');
  const { definition, sha256 } = await loadTask(module);
  return {
    name: definition.name,
    sha256,
    training: { ...definition.training },
    optionNames: optionNames(definition),
    optionIssues(options) {
      const read = readOptions(definition, options);
      return read.ok ? [] : read.issues;
    },
  };
}

/** Of the two limits on workers, only the one that this command has is of use to its reader. */
function limitWorkers(problems: string[], count: number, maxWorkers: number): void {
  const expected = `a whole number from 1 to ${maxWorkers}: this command starts all of them on this machine`;
  const index = problems.findIndex((problem) => /^workers\.count: .* expected a whole number/.test(problem));
  if (index >= 0) problems[index] = problems[index]!.replace(/a whole number.*$/, expected);
  else if (count > maxWorkers) problems.push(`workers.count: ${count}, expected ${expected}`);
}

async function readOptional(file: string | undefined): Promise<unknown> {
  return file === undefined ? undefined : readConfigFile(file);
}

async function readMapping(file: string | undefined): Promise<Mapping> {
  const value = await readOptional(file);
  if (value === null || value === undefined) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Mapping;
  throw new TrainingError('CONFIG_INVALID', `${file} holds no mapping, expected a mapping of keys to values`);
}

function shownAt(config: RunConfig, key: string): string {
  const value = key.split('.').reduce<unknown>((at, name) => (at as Mapping | undefined)?.[name], config);
  return JSON.stringify(value) ?? 'not set';
}
