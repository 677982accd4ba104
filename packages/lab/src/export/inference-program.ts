/**
 * The program of a trained model: the evaluation program with the weights inside, images as [batch, channels, height,
 * width] in front and probabilities behind. Every exported format is written from it.
 */
import type { ParameterLayout } from '@facet/shared';
import { programShape, requireSameLayout, type TrainedModel, multiViewTask } from '@facet/multiview';
import { captureEvaluationProgram } from '@facet/engine';
import type { Constant, NamedValue, Program, ValueId, ValueType } from '@facet/compiler';

export interface InferenceProgram {
  /** Input `images` [batch, channels, height, width] in [0, 1]; outputs `logits` and `probabilities` [batch, classes]. */
  readonly program: Program;
  /** The names of the parameters among the program's constants. */
  readonly parameterNames: ReadonlyMap<ValueId, string>;
}

/**
 * Captures the program of a trained model for a fixed batch size.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when the weights belong to another model.
 */
export async function captureInference(model: TrainedModel, batch: number): Promise<InferenceProgram> {
  const program = await captureEvaluationProgram(multiViewTask({ ...programShape(model), microBatch: batch }));
  const parameters = program.inputs.filter(({ name }) => name !== 'images');
  requireSameLayout(
    parameters.map(({ name, id }) => ({ name, shape: program.values[id]!.shape })),
    model.layout,
  );
  return {
    program: withImageLayout(withProbabilities(withWeights(program, parameters, model)), model, batch),
    parameterNames: new Map(parameters.map(({ name, id }) => [id, name])),
  };
}

/** Parameters become constants. */
function withWeights(program: Program, parameters: readonly NamedValue[], model: TrainedModel): Program {
  const slots = new Map<string, ParameterLayout>(model.layout.map((slot) => [slot.name, slot]));
  const constants = new Map<ValueId, Constant>(program.constants);
  for (const { name, id } of parameters) {
    const { offset, length } = slots.get(name)!;
    constants.set(id, { kind: 'dense', values: model.weights.slice(offset, offset + length) });
  }
  return { ...program, name: 'facet', constants, inputs: program.inputs.filter(({ id }) => !constants.has(id)) };
}

function withProbabilities(program: Program): Program {
  const logits = program.outputs.find(({ name }) => name === 'logits')!;
  const [values, id] = withValue(program.values, program.values[logits.id]!);
  return {
    ...program,
    values,
    nodes: [...program.nodes, { op: { kind: 'softmax' }, inputs: [logits.id], outputs: [id] }],
    outputs: [logits, { name: 'probabilities', id }],
  };
}

/** The program takes flat images; the rest of the world has four axes. */
function withImageLayout(program: Program, { image }: TrainedModel, batch: number): Program {
  const flat = program.inputs.find(({ name }) => name === 'images')!;
  const shape = [batch, image.channels, image.height, image.width];
  const [values, id] = withValue(program.values, { shape, dtype: 'float32' });
  return {
    ...program,
    values,
    inputs: [{ name: 'images', id }],
    nodes: [{ op: { kind: 'reshape' }, inputs: [id], outputs: [flat.id] }, ...program.nodes],
  };
}

function withValue(values: readonly ValueType[], type: ValueType): [ValueType[], ValueId] {
  return [[...values, type], values.length];
}
