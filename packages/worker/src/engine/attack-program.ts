/**
 * The attack program: the losses of one micro-batch and their gradient by its pixels. The gradient is tfjs's own, through the
 * resampling of every view. A view that passed no gradient on would look robust without being robust. The attacks use the
 * gradient (robustness/attacks/).
 *
 * Losses per sample, z the logits and y the true class, without label smoothing:
 *
 *   cross-entropy  log sum_j exp(z_j) - z_y
 *   margin         max over j != y of z_j, minus z_y          above 0 exactly when the answer is wrong
 *
 * The margin neither saturates nor depends on the scale of confident logits, where the gradient of the cross-entropy
 * vanishes in float32 (Carlini and Wagner 2017).
 */
import * as tf from '@tensorflow/tfjs';
import { TrainingError } from '@facet/shared';
import { createModel, type Model } from '../model/multi-view-transformer.js';
import { captureProgram, type CaptureOptions, type Program } from '@facet/compiler';
import { formatEngine, type EngineId } from './engine-id.js';
import { mendGradients } from './mended-gradients.js';
import { compileProgram, imagesInput, parameterInputs, type MicroBatchShape } from './micro-batch-program.js';

export const ATTACK_LOSSES = ['cross-entropy', 'margin'] as const;

/** Losses that a white-box attack may climb. */
export type AttackLoss = (typeof ATTACK_LOSSES)[number];

/** @throws TrainingError ENGINE_UNAVAILABLE for an engine that cannot run the attack program. */
export function requireAttacker(engine: EngineId): void {
  if (engine.name === 'onnxruntime') return;
  throw new TrainingError('ENGINE_UNAVAILABLE', `${formatEngine(engine)} cannot attack yet; use onnxruntime`);
}

/**
 * The attack function of a loss. Inputs: every parameter, `images` [microBatch, pixels] in [0, 1],
 * `targets` [microBatch, classes], one-hot (for the cross-entropy any distribution). Outputs: `logits` [microBatch, classes], `losses` [microBatch] and `gradient`
 * [microBatch, pixels], row by row the gradient of that sample's loss: samples do not see each other.
 */
export function describeAttack(shape: MicroBatchShape, loss: AttackLoss): CaptureOptions {
  const { microBatch, classes } = shape;
  const { parameters, forward } = createModel(shape);
  return {
    name: `attack-${loss}`,
    inputs: [
      ...parameterInputs(parameters),
      imagesInput(shape),
      { name: 'targets', shape: [microBatch, classes], dtype: 'float32' },
    ],
    build: (inputs) => attackFunction(forward, inputs, loss),
  };
}

/** Captures and compiles what `describeAttack` describes. */
export async function captureAttackProgram(shape: MicroBatchShape, loss: AttackLoss): Promise<Program> {
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
    losses = tf.keep(lossesOf(logits, targets, loss));
    return losses.sum();
  };
  const { grad: gradient } = tf.valueAndGrad(lossSum)(inputs.get('images')!);
  return { logits: logits!, losses: losses!, gradient };
}

/** Far below any logit, so that the true class never is the best wrong one. */
const EXCLUDED = 1e9;

function lossesOf(logits: tf.Tensor2D, targets: tf.Tensor2D, loss: AttackLoss): tf.Tensor1D {
  switch (loss) {
    case 'cross-entropy':
      return tf.logSoftmax(logits).mul(targets).sum<tf.Tensor1D>(1).neg();
    case 'margin':
      return logits.sub(targets.mul(EXCLUDED)).max<tf.Tensor1D>(1).sub(logits.mul(targets).sum(1));
    default:
      return loss satisfies never;
  }
}
