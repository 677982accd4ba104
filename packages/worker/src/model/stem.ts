/**
 * The stem: overlapping patches become cells of a few features, overlapping windows of cells become tokens. Two convolutions
 * in effect, computed as matrix products.
 */
import type * as tf from '@tensorflow/tfjs';
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
  const { merge, mergeSize, stemWidth, width, patchSize, patchStride } = config;
  const cells = side * merge;
  const patches = viewPatches(pixels, VIEWS.identity, image, { cells, patchSize, stride: patchStride });
  const batch = pixels.shape[0] / image.channels;
  const features = gelu(project(context, 'stem', patches)).reshape<tf.Tensor4D>([batch, cells, cells, stemWidth]);
  const windows = unfold(features, { size: mergeSize, stride: merge });
  const tokens = side * side;
  return project(context, 'embedding', windows.reshape([batch * tokens, mergeSize * mergeSize * stemWidth]))
    .reshape([batch, tokens, width])
    .add(parameter(context, 'embedding.position'))
    .reshape([batch * tokens, width]);
}
