/**
 * Checks between keys. Each check reads only sections that the schema accepts, so a fault in one section neither hides a
 * fault in another nor is reported twice.
 */
import type { z } from 'zod';
import { findDataset } from '../datasets/registry.js';
import type { ConfigKeys } from './config-keys.js';
import { engineProblem } from './engines.js';
import { idleOptimizerKeys } from './optimizer-schema.js';
import { changeProblems } from './run-changes.js';
import { parseStopRule, STOP_RULE_EXPECTATION } from './stop-rules.js';
import { isRunName, RUN_NAME_EXPECTATION } from './run-name.js';
import { shown } from './expectation.js';
import { isMapping, valueAt, type ConfigLayer, type Mapping } from './layers.js';
import { shortKeysOf, type NamedTask, type NamedTasks } from './named-task.js';
import { keyText } from './schema-problems.js';
import { parseHost } from '../address.js';
import { brokerUrlProblem } from '../wire/broker-login.js';
import { maskUrl } from '../wire/masked-url.js';
import { ARITHMETIC, configSchema } from './schema.js';
import { soundValue } from './sound-value.js';

/** What a configuration is judged by, beside its values. */
export interface CrossCheckContext {
  readonly tasks: NamedTasks;
  /** The task that is trained; undefined for a module. */
  readonly task: NamedTask | undefined;
  readonly layers: readonly ConfigLayer[];
  readonly keys: ConfigKeys;
}

/** Problems between keys, one sentence each. */
export function crossProblems(merged: Mapping, context: CrossCheckContext): readonly string[] {
  return [
    ...runProblems(merged),
    ...arithmeticProblems(merged),
    ...batchProblems(merged),
    ...(context.task === undefined ? moduleProblems(merged, context.tasks) : optionProblems(merged, context)),
    ...optimizerProblems(merged),
    ...recordedChangeProblems(merged),
    ...evaluationProblems(merged),
    ...stopProblems(merged),
    ...operationProblems(merged),
  ];
}

function runProblems(merged: Mapping): string[] {
  const run = sound(merged, 'run');
  return run === undefined || isRunName(run) ? [] : [`run: ${shown(run)}, expected ${RUN_NAME_EXPECTATION}`];
}

function arithmeticProblems(merged: Mapping): string[] {
  const arithmetic = sound(merged, 'arithmetic');
  if (arithmetic === undefined || arithmetic === ARITHMETIC) return [];
  const advice =
    arithmetic < ARITHMETIC
      ? "an earlier build's, which had other bits; evaluate, predict with or export its checkpoints, or start a new run"
      : "a later build's; install that build";
  return [`arithmetic: ${arithmetic}, ${advice}. This build trains by arithmetic ${ARITHMETIC}`];
}

function batchProblems(merged: Mapping): string[] {
  const batch = sound(merged, 'batch');
  if (batch === undefined || batch.micro <= batch.global) return [];
  return [`batch.micro: ${batch.micro}, expected at most batch.global, which is ${batch.global}`];
}

/** A module has no short keys, and no second name. */
function moduleProblems(merged: Mapping, tasks: NamedTasks): string[] {
  const module = shown(valueAt(merged, ['task', 'module']));
  const name = valueAt(merged, ['task', 'name']);
  const named = name === undefined ? [] : [`task.name: ${shown(name)}, expected nothing with task.module ${module}`];
  const ofOthers = tasks.flatMap((task) =>
    shortKeysOf(task)
      .filter((key) => valueAt(merged, [key]) !== undefined)
      .map(
        (key) =>
          `${key}: ${shown(valueAt(merged, [key]))}, expected nothing: it is a key of ${task.title}, and task.module ${module} trains another; its own keys stand under task.options`,
      ),
  );
  return [...named, ...ofOthers];
}

function optionProblems(merged: Mapping, { task, layers, keys }: CrossCheckContext): readonly string[] {
  const options = valueAt(merged, ['task', 'options']);
  if (task === undefined || !isMapping(options)) return [];
  return task.problems({
    options,
    dataset: findDataset(sound(merged, 'dataset') ?? ''),
    engine: sound(merged, 'engine')?.name,
    keyName: (key) => keyText(['task', 'options', ...key.split('.')], { layers, keys }),
  });
}

function optimizerProblems(merged: Mapping): string[] {
  const optimizer = sound(merged, 'optimizer');
  if (optimizer === undefined) return [];
  const problems = idleOptimizerKeys(optimizer).map(({ key, chooser, usedBy, neutral }) => {
    const used = `only ${chooser} ${usedBy.join(', ')} ${usedBy.length === 1 ? 'uses' : 'use'} it`;
    const choice = `optimizer.${chooser} ${optimizer[chooser]}`;
    return `optimizer.${key}: ${shown(optimizer[key])}, expected ${shown(neutral)}, its default, with ${choice}: ${used}`;
  });
  const { name, nesterov, momentum, scheduleSteps: steps } = optimizer;
  if (name === 'sgd' && nesterov && momentum === 0) {
    problems.push('optimizer.nesterov: true, expected false, or optimizer.momentum above 0: it looks ahead along it');
  }
  if (steps.some((share, i) => i > 0 && share <= steps[i - 1]!)) {
    problems.push(`optimizer.scheduleSteps: ${shown(steps)}, expected shares of the run in ascending order`);
  }
  return problems;
}

/** A configuration file of a run says what its resumes changed; edited by hand it may contradict itself. */
function recordedChangeProblems(merged: Mapping): string[] {
  const [epochs, optimizer, changes] = [sound(merged, 'epochs'), sound(merged, 'optimizer'), sound(merged, 'changes')];
  if (epochs === undefined || optimizer === undefined || changes === undefined) return [];
  return changeProblems({ epochs, optimizer, changes });
}

function evaluationProblems(merged: Mapping): string[] {
  if (sound(merged, 'evaluation') !== 'held-out' || sound(merged, 'samples')?.heldOut !== 0) return [];
  return ["evaluation: 'held-out', expected test, or samples.heldOut above 0: no images are held out"];
}

function stopProblems(merged: Mapping): string[] {
  const problems: string[] = [];
  const checkpoint = sound(merged, 'checkpoint');
  if (checkpoint !== undefined) {
    const { best, bestMode } = checkpoint;
    if (bestMode === 'auto' && !['auto', 'accuracy', 'loss'].includes(best)) {
      problems.push(
        `checkpoint.bestMode: 'auto', expected max or min with checkpoint.best ${best}: nothing says which is better`,
      );
    }
    if (bestMode !== 'auto' && best === 'auto') {
      problems.push(`checkpoint.bestMode: '${bestMode}', expected auto, or the name of a figure in checkpoint.best`);
    }
  }
  const rules = sound(merged, 'stopWhen') ?? [];
  for (const rule of rules) {
    if (parseStopRule(rule) === undefined) problems.push(`stopWhen: ${shown(rule)}, expected ${STOP_RULE_EXPECTATION}`);
  }
  if (rules.length > 0 && sound(merged, 'evaluation') === 'test') {
    problems.push(
      "stopWhen: rules decide on held-out samples, but evaluation is 'test'; add `--set evaluation=held-out --set samples.heldOut=N`",
    );
  }
  return problems;
}

function operationProblems(merged: Mapping): string[] {
  const problems: string[] = [];
  const workers = sound(merged, 'workers');
  if (workers !== undefined) {
    const { count, min, max } = workers;
    if (count < min) problems.push(`workers.count: ${count}, expected at least workers.min, which is ${min}`);
    if (count > max) problems.push(`workers.count: ${count}, expected at most workers.max, which is ${max}`);
  }
  const engine = sound(merged, 'engine');
  const mismatch = engine === undefined ? undefined : engineProblem(engine);
  if (mismatch !== undefined) problems.push(`engine.device: ${mismatch}`);
  const nats = sound(merged, 'nats');
  const wrongBroker = nats === undefined ? undefined : brokerUrlProblem(nats.url);
  if (nats !== undefined && wrongBroker !== undefined) {
    problems.push(`nats.url: ${shown(maskUrl(nats.url))}, ${wrongBroker}`);
  }
  const advertise = sound(merged, 'coordinator')?.advertise;
  if (advertise !== undefined && parseHost(advertise) === undefined) {
    problems.push(`coordinator.advertise: ${shown(advertise)}, expected HOST or HOST:PORT`);
  }
  return problems;
}

/** The value of a top-level key if the schema accepts it. Unknown keys in it are reported elsewhere. */
function sound<K extends keyof typeof configSchema.shape>(
  merged: Mapping,
  key: K,
): z.infer<(typeof configSchema.shape)[K]> | undefined {
  return soundValue(configSchema.shape[key], valueAt(merged, [key])) as
    z.infer<(typeof configSchema.shape)[K]> | undefined;
}
