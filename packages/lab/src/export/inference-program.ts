/**
 * The program of a trained multi-view model: what it answers, with images as [batch, channels, height, width] in front. Every
 * exported format is written from it.
 */
import { programShape, type TrainedModel } from '../models/classifier.js';
import { multiViewTask } from '@facet/multiview';
import type { Program, ValueId, ValueType } from '@facet/compiler';
import { capturePrediction, type PredictionProgram } from '../models/prediction-program.js';

/**
 * Captures the program of a trained model for a fixed batch size: input `images` [batch, channels, height, width] in [0, 1];
 * outputs `logits` and `probabilities` [batch, classes].
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when the weights belong to another model.
 */
export async function captureInference(model: TrainedModel, batch: number): Promise<PredictionProgram> {
  const task = multiViewTask({ ...programShape(model), microBatch: batch });
  const { program, parameterNames } = await capturePrediction(task, model);
  return { program: withImageLayout(program, model, batch), parameterNames };
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
