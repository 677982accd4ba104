/**
 * What the model looks at, as tensors: attention, pooling, view weights, and the views as pictures. All of it comes from the
 * forward pass that gives the answer. Nothing is computed in another way for the inspection, and nothing has a gradient.
 */
import * as tf from '@tensorflow/tfjs';
import { TrainingError } from '@facet/shared';
import type { ForwardResult } from './auxiliary-losses.js';
import type { ForwardContext } from './forward-context.js';
import { viewPatches } from './resample.js';
import { ofNextImage, viewWeights } from './view-embedding.js';
import { VIEWS } from './views.js';

/** A type and not an interface, so that it is a record of tensors. */
export type Inspection = {
  /** [batch, classes] */
  readonly logits: tf.Tensor2D;
  /** Attention probabilities of the last block, [batch, heads, tokens, keys]: the image's own tokens, then those of views. */
  readonly attention: tf.Tensor4D;
  /** The share of every token in the pooled one, [batch, tokens]. */
  readonly pooling: tf.Tensor2D;
  /** The views as the model is given them, [batch, views, channels * height * width], in [0, 1]; absent without views. */
  readonly views?: tf.Tensor3D;
  /** a_i of every block that sees views, [blocks, views]; absent without views. */
  readonly viewWeights?: tf.Tensor2D;
};

/** Collects what a forward pass with a trace has left. */
export function inspectionOf(context: ForwardContext, { logits, pixels }: ForwardResult): Inspection {
  const { config, trace } = context;
  if (trace?.attention === undefined || trace.poolingShares === undefined) {
    throw new TrainingError('INTERNAL', 'the forward pass left no trace to inspect; give it one in its context');
  }
  const batch = logits.shape[0];
  const seen = { logits, attention: trace.attention, pooling: trace.poolingShares.reshape<tf.Tensor2D>([batch, -1]) };
  if (config.injection === 'none') return seen;
  const blocks = Math.min(config.depth, config.injectionBlocks);
  const weights = Array.from({ length: blocks }, (_, block) => viewWeights(context, block));
  return { ...seen, views: viewPictures(context, pixels), viewWeights: tf.stack(weights) as tf.Tensor2D };
}

/**
 * The views as pictures: the patches of one cell that covers the image, by the matrices that cut the model's patches.
 *
 * @param pixels [batch * channels, height, width], normalised
 * @returns [batch, views, channels * height * width]; what lies outside the image has the mean colour, as for the model
 */
function viewPictures({ image, config }: ForwardContext, pixels: tf.Tensor3D): tf.Tensor3D {
  const { channels, height } = image;
  const { mean, stddev } = config.pixels;
  const whole = { cells: 1, patchSize: height, stride: height };
  const pictures = config.views.map((name) => {
    const flat = viewPatches(pixels, VIEWS[name], image, whole);
    return flat
      .reshape([flat.shape[0], channels, height * height])
      .mul(tf.tensor3d([...stddev], [1, channels, 1]))
      .add(tf.tensor3d([...mean], [1, channels, 1]))
      .reshape<tf.Tensor2D>(flat.shape);
  });
  const views = tf.stack(pictures) as tf.Tensor3D;
  return (config.viewImages === 'own' ? views : ofNextImage(views, 1)).transpose<tf.Tensor3D>([1, 0, 2]);
}
