/**
 * What a task answers, as a program with the weights inside: fields of samples in, answers out. `predict` runs it, and exports
 * are written from it.
 */
import { TrainingError, type ParameterLayout } from '@facet/shared';
import { requireSameLayout, type Task } from '@facet/task';
import { captureProgram, type Constant, type NamedValue, type Program, type ValueId } from '@facet/compiler';
import { compileProgram, parameterInputs } from '@facet/engine';

/** Weights as a checkpoint stores them. */
export interface StoredWeights {
  /** Flat. */
  readonly weights: Float32Array;
  /** Where each parameter lies in them. */
  readonly layout: readonly ParameterLayout[];
}

export interface PredictionProgram {
  /**
   * Inputs: those of the task that the answer depends on, [microBatch, ...]. Outputs where answers are classes: `logits` and
   * `probabilities` [microBatch, classes]; else `prediction` [microBatch, ...].
   */
  readonly program: Program;
  /** The names of the parameters among the program's constants. */
  readonly parameterNames: ReadonlyMap<ValueId, string>;
}

/** The name of an answer that is no class. */
export const PREDICTION = 'prediction';

/**
 * Captures what a task answers.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when the weights belong to another model; TASK_INVALID when the answer has no row
 *   for each sample.
 */
export async function capturePrediction(task: Task, stored: StoredWeights): Promise<PredictionProgram> {
  requireSameLayout(task.parameters, stored.layout);
  const isClassified = task.answer.kind === 'class';
  const output = isClassified ? 'logits' : PREDICTION;
  const captured = await captureProgram({
    name: 'predict',
    inputs: [
      ...parameterInputs(task.parameters),
      ...task.inputs.map(({ name, shape }) => ({ name, shape, dtype: 'float32' as const })),
    ],
    build: (inputs) => ({ [output]: task.predict(inputs, inputs) }),
  });
  const program = await compileProgram(captured);
  requireRows(task, program);
  const names = new Set(task.parameters.map(({ name }) => name));
  const parameters = program.inputs.filter(({ name }) => names.has(name));
  const filled = withWeights(withoutIdleInputs(program), parameters, stored);
  return {
    program: isClassified ? withProbabilities(filled) : filled,
    parameterNames: new Map(parameters.map(({ name, id }) => [id, name])),
  };
}

function requireRows({ name, microBatch }: Task, { outputs, values }: Program): void {
  const { shape } = values[outputs[0]!.id]!;
  if (shape[0] === microBatch) return;
  throw new TrainingError(
    'TASK_INVALID',
    `the task ${name} is wrong: its prediction is a tensor [${shape.join(', ')}], expected [${microBatch}, ...], one row for each sample`,
  );
}

/** The label is a field of the sample too, but no answer depends on it. */
function withoutIdleInputs(program: Program): Program {
  const read = new Set([...program.nodes.flatMap(({ inputs }) => inputs), ...program.outputs.map(({ id }) => id)]);
  return { ...program, inputs: program.inputs.filter(({ id }) => read.has(id)) };
}

/** Parameters become constants. */
export function withWeights(
  program: Program,
  parameters: readonly NamedValue[],
  { weights, layout }: StoredWeights,
): Program {
  const slots = new Map<string, ParameterLayout>(layout.map((slot) => [slot.name, slot]));
  const constants = new Map<ValueId, Constant>(program.constants);
  for (const { name, id } of parameters) {
    const { offset, length } = slots.get(name)!;
    constants.set(id, { kind: 'dense', values: weights.slice(offset, offset + length) });
  }
  return { ...program, name: 'facet', constants, inputs: program.inputs.filter(({ id }) => !constants.has(id)) };
}

/** Adds the output `probabilities` behind `logits`. */
export function withProbabilities(program: Program): Program {
  const logits = program.outputs.find(({ name }) => name === 'logits')!;
  const id = program.values.length;
  return {
    ...program,
    values: [...program.values, program.values[logits.id]!],
    nodes: [...program.nodes, { op: { kind: 'softmax' }, inputs: [logits.id], outputs: [id] }],
    outputs: [logits, { name: 'probabilities', id }],
  };
}
