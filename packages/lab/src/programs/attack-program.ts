/**
 * The attack program: the losses of one micro-batch and their gradient by its pixels. The gradient is tfjs's own, through the
 * resampling of every view. A view that passed no gradient on would look robust without being robust. The attacks use the
 * gradient (robustness/attacks/).
 */
import * as tf from '@tensorflow/tfjs';
import { createModel, attackLosses, type AttackLoss, type MultiViewShape, type Model } from '@facet/multiview';
import { captureProgram, type CaptureOptions, type Program } from '@facet/compiler';
import { mendGradients, compileProgram, parameterInputs } from '@facet/engine';

/**
 * The attack function of a loss. Inputs: every parameter, `images` [microBatch, pixels] in [0, 1],
 * `targets` [microBatch, classes], one-hot (for the cross-entropy any distribution). Outputs: `logits` [microBatch, classes], `losses` [microBatch] and `gradient`
 * [microBatch, pixels], row by row the gradient of that sample's loss: samples do not see each other.
 */
export function describeAttack(shape: MultiViewShape, loss: AttackLoss): CaptureOptions {
  const { image, microBatch, classes } = shape;
  const { parameters, forward } = createModel(shape);
  return {
    name: `attack-${loss}`,
    inputs: [
      ...parameterInputs(parameters),
      { name: 'images', shape: [microBatch, image.channels * image.height * image.width], dtype: 'float32' },
      { name: 'targets', shape: [microBatch, classes], dtype: 'float32' },
    ],
    build: (inputs) => attackFunction(forward, inputs, loss),
  };
}

/** Captures and compiles what `describeAttack` describes. */
export async function captureAttackProgram(shape: MultiViewShape, loss: AttackLoss): Promise<Program> {
  return compileProgram(await captureProgram(describeAttack(shape, loss)));
}

/** The function that is captured; it also runs as it is on any tfjs backend, where the caller disposes what it returns. */
export function attackFunction(
  forward: Model['forward'],
  inputs: ReadonlyMap<string, tf.Tensor>,
  loss: AttackLoss,
): { logits: tf.Tensor2D; losses: tf.Tensor1D; gradient: tf.Tensor } {
  mendGradients();
  const targets = inputs.get('targets') as tf.Tensor2D;
  let logits: tf.Tensor2D | undefined;
  let losses: tf.Tensor1D | undefined;
  const lossSum = (images: tf.Tensor): tf.Scalar => {
    logits = tf.keep(forward(inputs, images as tf.Tensor2D));
    losses = tf.keep(attackLosses(logits, targets, loss));
    return losses.sum();
  };
  const { grad: gradient } = tf.valueAndGrad(lossSum)(inputs.get('images')!);
  return { logits: logits!, losses: losses!, gradient };
}
