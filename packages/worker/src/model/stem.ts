/**
 * The stem: overlapping patches become cells of a few features, MLPs that see their neighbours refine them, overlapping
 * windows of cells become tokens. Two convolutions in effect, computed as matrix products.
 */
import type * as tf from '@tensorflow/tfjs';
import { mlpBranch } from './block.js';
import { parameter, project, type ForwardContext } from './forward-context.js';
import { gelu } from './ops.js';
import { viewPatches } from './resample.js';
import { unfold } from './spatial-ops.js';
import { VIEWS } from './views.js';

/**
 * @param pixels [batch * channels, height, width], normalised
 * @returns [batch * side * side, width]
 */
export function stemTokens(context: ForwardContext, pixels: tf.Tensor3D): tf.Tensor2D {
  const { image, config, side } = context;
  const { merge, mergeSize, stemWidth, stemDepth, width, patchSize, patchStride } = config;
  const cells = side * merge;
  const patches = viewPatches(pixels, VIEWS.identity, image, { cells, patchSize, stride: patchStride });
  const batch = pixels.shape[0] / image.channels;
  const linear = project(context, 'stem', patches);
  // The MLPs bring curvature enough, and pass both signs of a feature on.
  let features = stemDepth === 0 ? gelu(linear) : linear;
  for (let block = 0; block < stemDepth; block++) {
    features = features.add(mlpBranch(context, { prefix: `stem${block}.mlp`, side: cells }, features));
  }
  const grid = features.reshape<tf.Tensor4D>([batch, cells, cells, stemWidth]);
  const windows = unfold(grid, { size: mergeSize, stride: merge });
  const tokens = side * side;
  return project(context, 'embedding', windows.reshape([batch * tokens, mergeSize * mergeSize * stemWidth]))
    .reshape([batch, tokens, width])
    .add(parameter(context, 'embedding.position'))
    .reshape([batch * tokens, width]);
}
