/**
 * Checks between keys. Each check reads only sections that the schema accepts, so a fault in one section neither hides a
 * fault in another nor is reported twice.
 */
import type { z } from 'zod';
import { datasetDefinition } from '../datasets/registry.js';
import { attackProblem, engineProblem } from './engines.js';
import { idleOptimizerKeys } from './optimizer-schema.js';
import { changeProblems } from './run-changes.js';
import { parseStopRule, STOP_RULE_EXPECTATION } from './stop-rules.js';
import { isRunName, RUN_NAME_EXPECTATION } from './run-name.js';
import { shown } from './expectation.js';
import { valueAt, type Mapping } from './layers.js';
import { brokerUrlProblem } from '../wire/broker-login.js';
import { maskUrl } from '../wire/masked-url.js';
import { ARITHMETIC, configSchema } from './schema.js';

/** Problems between keys, one sentence each. */
export function crossProblems(merged: Mapping): readonly string[] {
  return [
    ...runProblems(merged),
    ...arithmeticProblems(merged),
    ...batchProblems(merged),
    ...taskProblems(merged),
    ...modelProblems(merged),
    ...optimizerProblems(merged),
    ...recordedChangeProblems(merged),
    ...recipeProblems(merged),
    ...adversarialProblems(merged),
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

/** The keys of the multi-view model mean nothing to another task. */
function taskProblems(merged: Mapping): string[] {
  const task = sound(merged, 'task');
  if (task === undefined) return [];
  const set = ['model', 'augmentation'].filter((key) => valueAt(merged, [key]) !== undefined);
  if ((sound(merged, 'adversarial')?.eps ?? 0) > 0) set.push('adversarial');
  return set.map(
    (key) =>
      `${key}: ${shown(valueAt(merged, [key]))}, expected nothing: it is a key of the multi-view model, and task.module ${shown(task.module)} trains another; its own keys stand under task.options`,
  );
}

function modelProblems(merged: Mapping): string[] {
  const model = sound(merged, 'model');
  if (model === undefined) return [];
  const problems: string[] = [];
  const { views, width, heads, pixels, merge, mergeSize, injection, auxiliary, stemWidth, stemDepth, mlpRatio } = model;
  if (width % heads !== 0) problems.push(`model.heads: ${heads}, expected a divisor of model.width, which is ${width}`);
  if (views[0] !== 'identity') problems.push(`model.views: ${shown(views)}, expected identity as the first view`);
  if (stemDepth > 0 && (stemWidth * mlpRatio) % 8 !== 0) {
    problems.push(
      `model.stemWidth: ${stemWidth}, expected a multiple of 8 with model.stemDepth ${stemDepth}: its MLPs shift an eighth of their features each way`,
    );
  }
  if (mergeSize < merge) {
    problems.push(
      `model.mergeSize: ${mergeSize}, expected at least model.merge, which is ${merge}: cells would be left out`,
    );
  }
  if (injection === 'cross' && model.viewNorm === 'sum') {
    problems.push(
      `model.viewNorm: ${shown(model.viewNorm)}, expected each with model.injection cross: attention sees every view by itself and sums none`,
    );
  }
  if (auxiliary.completion > 0 && (views.length < 2 || injection === 'none')) {
    const given = injection === 'none' ? 'model.injection none' : `the only view ${views.join()}`;
    problems.push(
      `model.auxiliary.completion: ${auxiliary.completion} with ${given}, expected 0: nothing could be rebuilt`,
    );
  }
  const dataset = sound(merged, 'dataset');
  if (dataset === undefined) return problems;
  for (const statistic of ['mean', 'stddev'] as const) {
    const { length } = pixels[statistic];
    const { channels } = datasetDefinition(dataset).image;
    if (length === channels) continue;
    const expected = `${channels}, one for each channel of ${dataset}`;
    problems.push(`model.pixels.${statistic}: ${shown(pixels[statistic])} has length ${length}, expected ${expected}`);
  }
  return problems;
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

function recipeProblems(merged: Mapping): string[] {
  const problems: string[] = [];
  const augmentation = sound(merged, 'augmentation');
  if (augmentation !== undefined) {
    const { flip, mixup, cutmix } = augmentation;
    const dataset = sound(merged, 'dataset');
    const traits = dataset === undefined ? undefined : datasetDefinition(dataset).traits;
    if (flip && traits?.isMirrorable === false) {
      const mirrored = `the mirror image of a ${traits.shows} of ${dataset} is no ${traits.shows}`;
      problems.push(`augmentation.flip: true, expected false: ${mirrored}`);
    }
    if (mixup.share + cutmix.share > 1) {
      const sum = `augmentation.mixup.share + augmentation.cutmix.share: ${mixup.share} + ${cutmix.share}`;
      problems.push(`${sum}, expected at most 1: an image is mixed in one way`);
    }
  }
  if (sound(merged, 'evaluation') === 'held-out' && sound(merged, 'samples')?.heldOut === 0) {
    problems.push("evaluation: 'held-out', expected test, or samples.heldOut above 0: no images are held out");
  }
  return problems;
}

function adversarialProblems(merged: Mapping): string[] {
  const adversarial = sound(merged, 'adversarial');
  if (adversarial === undefined || adversarial.eps === 0) return [];
  const problems: string[] = [];
  const { norm, eps } = adversarial;
  if (norm === 'linf' && eps > 1) {
    problems.push(`adversarial.eps: ${eps}, expected at most 1 in linf: pixels are in [0, 1], so 8 of 255 is 0.0314`);
  }
  const engine = sound(merged, 'engine');
  const refusal = engine === undefined ? undefined : attackProblem(engine.name);
  if (refusal !== undefined) problems.push(`engine.name: ${refusal}`);
  return problems;
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
  return problems;
}

/** The value of a top-level key if the schema accepts it. Unknown keys in it are reported elsewhere. */
function sound<K extends keyof typeof configSchema.shape>(
  merged: Mapping,
  key: K,
): z.infer<(typeof configSchema.shape)[K]> | undefined {
  const schema = configSchema.shape[key];
  const value = valueAt(merged, [key]);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data as z.infer<(typeof configSchema.shape)[K]>;
  const onlyUnknownKeys = parsed.error.issues.every((issue) => issue.code === 'unrecognized_keys');
  return onlyUnknownKeys ? (value as z.infer<(typeof configSchema.shape)[K]>) : undefined;
}
