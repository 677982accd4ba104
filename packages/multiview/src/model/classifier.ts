/**
 * The head: pools the tokens by a learned softmax over them (Hassani et al. 2021), then classifies.
 */
import * as tf from '@tensorflow/tfjs';
import { softmax } from '@facet/compiler';
import { normalise, parameter, project, type ForwardContext } from './forward-context.js';

/**
 * @param z [batch * tokens, width]
 * @returns [batch, classes]
 */
export function classify(context: ForwardContext, z: tf.Tensor2D, batch: number): tf.Tensor2D {
  const [rows, width] = z.shape;
  const tokens = rows / batch;
  const normed = normalise(context, 'head.norm', z);
  const scores = tf.matMul(normed, parameter<tf.Tensor2D>(context, 'head.pool.weight'));
  const shares = softmax(scores.reshape<tf.Tensor3D>([batch, 1, tokens]));
  if (context.trace !== undefined) context.trace.poolingShares = shares;
  const pooled = tf.matMul(shares, normed.reshape<tf.Tensor3D>([batch, tokens, width]));
  return project(context, 'head', pooled.reshape([batch, width]));
}
