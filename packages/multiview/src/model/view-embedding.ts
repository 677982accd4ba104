/**
 * The views of an image as tokens, embedded once and seen by every block, and the weights by which a block mixes them.
 */
import * as tf from '@tensorflow/tfjs';
import { normalise, parameter, project, type ForwardContext } from './forward-context.js';
import { viewPatches } from './resample.js';
import { pixelsPerToken } from './stem-grid.js';
import { VIEWS } from './views.js';

/** Keeps the view weights finite when all of them approach zero. */
const VIEW_WEIGHT_EPSILON = 1e-6;

/**
 * E_i for every view; before the layer norm and without e_i when only their sum is normalised.
 *
 * @param pixels [batch * channels, height, width], normalised
 * @returns [views, batch * tokens, width]
 */
export function embedViews(context: ForwardContext, pixels: tf.Tensor3D): tf.Tensor3D {
  const { image, config, side } = context;
  const { width, viewPatchSize } = config;
  const grid = { cells: side, patchSize: viewPatchSize, stride: pixelsPerToken(config) };
  const count = config.views.length;
  const patches = config.views.map((name) => viewPatches(pixels, VIEWS[name], image, grid));
  const rows = patches[0]!.shape[0];
  const embedded = project(context, 'views.patch', tf.concat(patches, 0)) // [views * batch * tokens, width]
    .reshape([(count * rows) / (side * side), side * side, width])
    .add(parameter(context, 'embedding.position'))
    .reshape<tf.Tensor2D>([count * rows, width]);
  const seen = config.viewNorm === 'each' ? normalise(context, 'views.norm', embedded) : embedded;
  const views = seen.reshape<tf.Tensor3D>([count, rows, width]);
  const own =
    config.viewNorm === 'each'
      ? views.add<tf.Tensor3D>(parameter<tf.Tensor2D>(context, 'views.viewpoint').expandDims(1))
      : views;
  return config.viewImages === 'own' ? own : ofNextImage(own, side * side);
}

/**
 * Gives every image the views of the next one in the micro-batch, the last one those of the first.
 *
 * @param views [views, batch * tokens, width]
 */
export function ofNextImage(views: tf.Tensor3D, tokens: number): tf.Tensor3D {
  const [count, rows, width] = views.shape;
  const rest = views.slice([0, tokens, 0], [count, rows - tokens, width]);
  return tf.concat([rest, views.slice([0, 0, 0], [count, tokens, width])], 1);
}

/** a_i of one block, [views]. */
export function viewWeights(context: ForwardContext, block: number): tf.Tensor1D {
  const { viewWeights: kind, views } = context.config;
  if (kind === 'uniform') return tf.fill([views.length], 1 / views.length);
  const squared = parameter<tf.Tensor1D>(context, `block${block}.views.weight`).square();
  return kind === 'raw' ? squared : squared.div(squared.sum().add(VIEW_WEIGHT_EPSILON));
}

/**
 * sum_i a_i E_i for one block.
 *
 * @param views [views, rows, width]
 * @returns [rows, width]
 */
export function mixViews(context: ForwardContext, block: number, views: tf.Tensor3D): tf.Tensor2D {
  const [count, rows, width] = views.shape;
  const weights = viewWeights(context, block).expandDims<tf.Tensor2D>(0);
  const mixed = tf.matMul(weights, views.reshape([count, rows * width])).reshape<tf.Tensor2D>([rows, width]);
  if (context.config.viewNorm === 'each') return mixed;
  const viewpoint = tf.matMul(weights, parameter<tf.Tensor2D>(context, 'views.viewpoint'));
  return normalise(context, 'views.norm', mixed).add(viewpoint);
}
