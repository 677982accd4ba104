/**
 * The programs of a task. The training program computes, for one micro-batch, the summed loss, the summed metrics and the
 * gradient of every parameter; the evaluation program computes answers. Sums, not means: micro-batches are added along the
 * reduction tree and divided by the number of real samples once, at the update.
 */
import * as tf from '@tensorflow/tfjs';
import { TrainingError } from '@facet/shared';
import type { Adversary, ParameterSpec, SampleLosses, Task, Tensors } from '@facet/task';
import { captureProgram, type CaptureOptions, type ProgramInput, lower, optimise, type Program } from '@facet/compiler';
import { mendGradients } from './mended-gradients.js';

/** The metric that counts right answers. */
const CORRECT = 'correct';

/** The parameters as inputs of a program. */
export function parameterInputs(parameters: readonly ParameterSpec[]): ProgramInput[] {
  return parameters.map(({ name, shape }) => ({ name, shape, dtype: 'float32' as const }));
}

/** Inputs of a task as inputs of a program: the named ones. */
export function taskInputs({ inputs }: Task, names: readonly string[]): ProgramInput[] {
  return inputs
    .filter(({ name }) => names.includes(name))
    .map(({ name, shape }) => ({ name, shape, dtype: 'float32' as const }));
}

/** The name of a metric among the outputs of a program. */
export const metricOutput = (name: string): string => `metric:${name}`;

/** What the evaluation of a task reads and gives. */
export interface EvaluationPlan {
  /** Names of inputs of the task. */
  readonly inputs: readonly string[];
  /** Elements of every output, by its name. */
  readonly outputs: Readonly<Record<string, number>>;
  /** The task's figures among them. Right answers are counted from the logits. */
  readonly metrics: readonly string[];
}

/** See EvaluationPlan. A task without figures of its own reads no more than its prediction does. */
export function planEvaluation({
  answer,
  inputs,
  metrics,
  microBatch,
  predictInputs,
}: Pick<Task, 'answer' | 'inputs' | 'metrics' | 'microBatch' | 'predictInputs'>): EvaluationPlan {
  const all = inputs.map(({ name }) => name);
  const lengths = (names: readonly string[]): Record<string, number> =>
    Object.fromEntries(names.map((name) => [name, microBatch]));
  if (answer.kind !== 'class') {
    return { inputs: all, outputs: lengths(['losses', ...metrics.map(metricOutput)]), metrics };
  }
  const own = metrics.filter((name) => name !== CORRECT);
  return {
    inputs: own.length === 0 ? predictInputs : all,
    outputs: { logits: microBatch * answer.classes, ...lengths(own.map(metricOutput)) },
    metrics: own,
  };
}

/**
 * The training function of a task. Inputs: every parameter, every input of the task, `sampleWeights`. Outputs: `loss`,
 * `metric:NAME` per metric and `grad:NAME` per parameter. Run eagerly, metrics outlive the scope they were made in: dispose
 * all outputs.
 */
export function describeTraining(task: Task): CaptureOptions {
  return {
    name: 'train',
    inputs: [...lossInputs(task), { name: 'sampleWeights', shape: [task.microBatch], dtype: 'float32' }],
    build: (inputs) => trainingFunction(task, inputs),
  };
}

/**
 * The evaluation function of a task. Parameters and what `planEvaluation` says in; out come `logits` [microBatch, classes]
 * where it answers with classes, else `losses` [microBatch], and `metric:NAME` [microBatch] for each figure of its own.
 */
export function describeEvaluation(task: Task): CaptureOptions {
  const { inputs: read, metrics: figures } = planEvaluation(task);
  return {
    name: 'evaluate',
    inputs: [...parameterInputs(task.parameters), ...taskInputs(task, read)],
    build(inputs) {
      const { answer, microBatch } = task;
      const judged =
        answer.kind === 'class'
          ? { logits: requireShape(task, 'its prediction', task.predict(inputs, inputs), [microBatch, answer.classes]) }
          : {};
      if (answer.kind === 'class' && figures.length === 0) return judged;
      const { losses, metrics } = soundLosses(task, inputs, inputs);
      return {
        ...(answer.kind === 'class' ? judged : { losses }),
        ...Object.fromEntries(figures.map((name) => [metricOutput(name), metrics[name]!])),
      };
    },
  };
}

/**
 * The gradient of what an adversary climbs, by the input that it attacks. Inputs: every parameter and those of the
 * adversary's losses. Output: `gradient`, of the shape of that input; samples do not see each other, so each row is the
 * gradient of its own sample's loss.
 */
export function describeInputGradient(task: Task, adversary: Adversary): CaptureOptions {
  return {
    name: 'input-gradient',
    inputs: [...parameterInputs(task.parameters), ...taskInputs(task, adversary.inputs)],
    build(inputs) {
      mendGradients();
      const sum = (attacked: tf.Tensor): tf.Scalar =>
        adversary.losses(inputs, new Map([...inputs, [adversary.input, attacked]])).sum();
      return { gradient: tf.grad(sum)(inputs.get(adversary.input)!) };
    },
  };
}

/** What an engine runs: no coarse nodes that it has no kernel for, and nothing superfluous. */
export async function compileProgram(captured: Program): Promise<Program> {
  return optimise(await lower(captured));
}

/** Captures and compiles what `describeTraining` describes. */
export async function captureTrainingProgram(task: Task): Promise<Program> {
  return compileProgram(await captureProgram(describeTraining(task)));
}

/** Captures and compiles what `describeEvaluation` describes. */
export async function captureEvaluationProgram(task: Task): Promise<Program> {
  return compileProgram(await captureProgram(describeEvaluation(task)));
}

function lossInputs(task: Task): ProgramInput[] {
  const names = task.inputs.map(({ name }) => name);
  return [...parameterInputs(task.parameters), ...taskInputs(task, names)];
}

/** The function that is captured; it also runs as it is on any tfjs backend, which is what the engine is checked against. */
function trainingFunction(task: Task, inputs: Tensors): Record<string, tf.Tensor> {
  const names = task.parameters.map(({ name }) => name);
  const sampleWeights = inputs.get('sampleWeights')!;
  mendGradients();
  let sums: Readonly<Record<string, tf.Tensor>> = {};
  const lossOf = (...tensors: tf.Tensor[]): tf.Scalar => {
    const { losses, metrics } = soundLosses(task, new Map(names.map((name, i) => [name, tensors[i]!])), inputs);
    sums = Object.fromEntries(
      Object.entries(metrics).map(([name, values]) => [metricOutput(name), tf.keep(values.mul(sampleWeights).sum())]),
    );
    return losses.mul(sampleWeights).sum();
  };
  const { value, grads } = tf.valueAndGrads(lossOf)(names.map((name) => inputs.get(name)!));
  return { loss: value, ...sums, ...Object.fromEntries(names.map((name, i) => [`grad:${name}`, grads[i]!])) };
}

/** @throws TrainingError TASK_INVALID when the loss or a metric is not one number a sample, or a metric is missing. */
function soundLosses(task: Task, parameters: Tensors, inputs: Tensors): SampleLosses {
  const { losses, metrics } = task.loss(parameters, inputs);
  const perSample = [task.microBatch];
  return {
    losses: requireShape(task, 'its loss', losses, perSample),
    metrics: Object.fromEntries(
      task.metrics.map((name) => [name, requireShape(task, `its metric ${name}`, metrics[name], perSample)]),
    ),
  };
}

function requireShape<T extends tf.Tensor>(
  { name }: Task,
  what: string,
  actual: T | undefined,
  expected: readonly number[],
): T {
  if (actual instanceof tf.Tensor && actual.shape.join() === expected.join()) return actual;
  const found = actual instanceof tf.Tensor ? `a tensor [${actual.shape.join(', ')}]` : typeof actual;
  throw new TrainingError(
    'TASK_INVALID',
    `the task ${name} is wrong: ${what} is ${found}, expected a tensor [${expected.join(', ')}], where ${expected[0]} is batch.micro; give one row for each sample`,
  );
}
