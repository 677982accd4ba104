/**
 * The two programs of a run. The training program computes, for one micro-batch, the summed loss, the number of correct
 * answers and the gradient of every parameter; the evaluation program computes the logits. Sums, not means: micro-batches
 * are added along the reduction tree and divided by the number of real samples once, at the update.
 */
import * as tf from '@tensorflow/tfjs';
import type { DatasetShape, TrainingConfig } from '@facet/shared';
import { POSITION_PAIRS } from '../model/auxiliary-losses.js';
import type { ParameterSpec } from '@facet/task';
import { createModel, type Model, type ModelShape } from '../model/multi-view-transformer.js';
import {
  crossEntropySum,
  captureProgram,
  type CaptureOptions,
  type ProgramInput,
  lower,
  optimise,
  type Program,
} from '@facet/compiler';

export interface MicroBatchShape extends ModelShape {
  readonly microBatch: number;
  readonly labelSmoothing: number;
}

/** The shape of the programs of a configuration, for images of a dataset. */
export function microBatchShape(
  { image, classes }: DatasetShape,
  { model, batch, optimizer }: Pick<TrainingConfig, 'model' | 'batch' | 'optimizer'>,
): MicroBatchShape {
  return { image, classes, config: model, microBatch: batch.micro, labelSmoothing: optimizer.labelSmoothing };
}

/** The parameters as inputs of a program. */
export function parameterInputs(parameters: readonly ParameterSpec[]): ProgramInput[] {
  return parameters.map(({ name, shape }) => ({ name, shape, dtype: 'float32' as const }));
}

/** The images as an input of a program, [microBatch, channels * height * width]. */
export function imagesInput({ image, microBatch }: MicroBatchShape): ProgramInput {
  return { name: 'images', shape: [microBatch, image.channels * image.height * image.width], dtype: 'float32' };
}

/**
 * The training function of a shape. Inputs: every parameter, `images`, `targets`, `sampleWeights`, and `tokenPairs` and
 * `hiddenTokens` when the model has auxiliary losses. Outputs: `loss`, `correct`, and `grad:NAME` per parameter. Run eagerly,
 * `correct` outlives the scope it was made in: dispose all outputs.
 */
export function describeTraining(shape: MicroBatchShape): CaptureOptions {
  const { microBatch, classes, labelSmoothing } = shape;
  const model = createModel(shape);
  return {
    name: 'train',
    inputs: [
      ...parameterInputs(model.parameters),
      imagesInput(shape),
      { name: 'targets', shape: [microBatch, classes], dtype: 'float32' },
      { name: 'sampleWeights', shape: [microBatch], dtype: 'float32' },
      ...(model.hasAuxiliary ? drawInputs(model.tokens) : []),
    ],
    build: (inputs) => trainingFunction(model, inputs, labelSmoothing),
  };
}

/** The evaluation function of a shape. Inputs: every parameter and `images`. Output: `logits` [microBatch, classes]. */
export function describeEvaluation(shape: MicroBatchShape): CaptureOptions {
  const model = createModel(shape);
  return {
    name: 'evaluate',
    inputs: [...parameterInputs(model.parameters), imagesInput(shape)],
    build: (inputs) => ({ logits: model.forward(inputs, inputs.get('images') as tf.Tensor2D) }),
  };
}

/** What an engine runs: no coarse nodes that it has no kernel for, and nothing superfluous. */
export async function compileProgram(captured: Program): Promise<Program> {
  return optimise(await lower(captured));
}

/** Captures and compiles what `describeTraining` describes. */
export async function captureTrainingProgram(shape: MicroBatchShape): Promise<Program> {
  return compileProgram(await captureProgram(describeTraining(shape)));
}

/** Captures and compiles what `describeEvaluation` describes. */
export async function captureEvaluationProgram(shape: MicroBatchShape): Promise<Program> {
  return compileProgram(await captureProgram(describeEvaluation(shape)));
}

function drawInputs(tokens: number): ProgramInput[] {
  return [
    { name: 'tokenPairs', shape: [2 * POSITION_PAIRS, tokens], dtype: 'float32' },
    { name: 'hiddenTokens', shape: [tokens], dtype: 'float32' },
  ];
}

/** The function that is captured; it also runs as it is on any tfjs backend, which is what the engine is checked against. */
function trainingFunction(
  model: Model,
  inputs: ReadonlyMap<string, tf.Tensor>,
  labelSmoothing: number,
): Record<string, tf.Tensor> {
  const names = model.parameters.map(({ name }) => name);
  const images = inputs.get('images') as tf.Tensor2D;
  const targets = inputs.get('targets') as tf.Tensor2D;
  const sampleWeights = inputs.get('sampleWeights') as tf.Tensor1D;
  let correct: tf.Tensor | undefined;
  const lossOf = (...tensors: tf.Tensor[]): tf.Scalar => {
    const parameters = new Map(names.map((name, i) => [name, tensors[i]!]));
    const { logits, auxiliary } = model.hasAuxiliary
      ? model.forwardWithAuxiliary(parameters, images, {
          tokenPairs: inputs.get('tokenPairs') as tf.Tensor2D,
          hiddenTokens: inputs.get('hiddenTokens') as tf.Tensor1D,
        })
      : { logits: model.forward(parameters, images), auxiliary: undefined };
    const isCorrect = logits.argMax(1).equal(targets.argMax(1));
    correct = tf.keep(isCorrect.cast('float32').mul(sampleWeights).sum());
    const loss = crossEntropySum({ logits, targets, sampleWeights, labelSmoothing });
    return auxiliary === undefined ? loss : loss.add(auxiliary.mul(sampleWeights).sum());
  };
  const { value, grads } = tf.valueAndGrads(lossOf)(names.map((name) => inputs.get(name)!));
  return {
    loss: value,
    correct: correct!,
    ...Object.fromEntries(names.map((name, i) => [`grad:${name}`, grads[i]!])),
  };
}
