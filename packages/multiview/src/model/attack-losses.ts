/**
 * What an attack climbs. Losses per sample, z the logits and y the true class, without label smoothing:
 *
 *   cross-entropy  log sum_j exp(z_j) - z_y
 *   margin         max over j != y of z_j, minus z_y          above 0 exactly when the answer is wrong
 *
 * The margin neither saturates nor depends on the scale of confident logits, where the gradient of the cross-entropy
 * vanishes in float32 (Carlini and Wagner 2017).
 */
import * as tf from '@tensorflow/tfjs';

export const ATTACK_LOSSES = ['cross-entropy', 'margin'] as const;

/** Losses that a white-box attack may climb. */
export type AttackLoss = (typeof ATTACK_LOSSES)[number];

/** Far below any logit, so that the true class never is the best wrong one. */
const EXCLUDED = 1e9;

/**
 * @param logits [batch, classes]
 * @param targets [batch, classes], one-hot; for the cross-entropy any distribution
 * @returns [batch]
 */
export function attackLosses(logits: tf.Tensor2D, targets: tf.Tensor2D, loss: AttackLoss): tf.Tensor1D {
  switch (loss) {
    case 'cross-entropy':
      return tf.logSoftmax(logits).mul(targets).sum<tf.Tensor1D>(1).neg();
    case 'margin':
      return logits.sub(targets.mul(EXCLUDED)).max<tf.Tensor1D>(1).sub(logits.mul(targets).sum(1));
    default:
      return loss satisfies never;
  }
}
