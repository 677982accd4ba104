/**
 * The stem: overlapping patches become cells of a few features, convolutions or MLPs that see their neighbours refine them,
 * overlapping windows of cells become tokens. Everything is a matrix product over unfolded cells.
 */
import * as tf from '@tensorflow/tfjs';
import { gelu, layerNorm, unfold, type Window } from '@facet/compiler';
import { mlpBranch } from './block.js';
import { parameter, project, type ForwardContext } from './forward-context.js';
import { viewPatches } from './resample.js';
import { cellsPerToken, CONVOLUTION_SIZE } from './stem-grid.js';
import { VIEWS } from './views.js';

/**
 * @param pixels [batch * channels, height, width], normalised
 * @returns [batch * side * side, width]
 */
export function stemTokens(context: ForwardContext, pixels: tf.Tensor3D): tf.Tensor2D {
  const { config, side } = context;
  const { merge, mergeSize, width } = config;
  let cells = stemCells(context, pixels);
  for (const [index, { stride }] of config.stemConvolutions.entries()) {
    const name = `stem.convolution${index}`;
    const next = projectWindows(context, name, activated(context, name, cells), { size: CONVOLUTION_SIZE, stride });
    // Where the shape stays, what a convolution finds is added, as in a residual network (He et al. 2016).
    cells = tf.util.arraysEqual(next.shape, cells.shape) ? cells.add(next) : next;
  }
  if (config.stemConvolutions.length > 0) cells = activated(context, 'embedding', cells);
  const tokens = side * side;
  return projectWindows(context, 'embedding', cells, { size: mergeSize, stride: merge })
    .reshape([-1, tokens, width])
    .add(parameter(context, 'embedding.position'))
    .reshape([-1, width]);
}

/** Patches, refined by MLPs or bent by a GELU; [batch, cells, cells, stemWidth]. */
function stemCells(context: ForwardContext, pixels: tf.Tensor3D): tf.Tensor4D {
  const { image, config, side } = context;
  const { stemWidth, stemDepth, stemConvolutions, patchSize, patchStride } = config;
  const cells = side * cellsPerToken(config);
  const patches = viewPatches(pixels, VIEWS.identity, image, { cells, patchSize, stride: patchStride });
  let features = project(context, 'stem', patches);
  // The MLPs bring curvature enough, and pass both signs of a feature on; convolutions begin with their own.
  if (stemDepth === 0 && stemConvolutions.length === 0) features = gelu(features);
  for (let block = 0; block < stemDepth; block++) {
    features = features.add(mlpBranch(context, { prefix: `stem${block}.mlp`, side: cells }, features));
  }
  return features.reshape([-1, cells, cells, stemWidth]);
}

/** GELU of the cells normalised over the whole image, with a gain and a bias per feature (Wu and He 2018, one group). */
function activated(context: ForwardContext, name: string, cells: tf.Tensor4D): tf.Tensor4D {
  const [batch, rows, columns, features] = cells.shape;
  // A product with ones, whose gradient is a product too.
  const ones = tf.ones<tf.Rank.R2>([rows * columns, 1]);
  const everywhere = (vector: string): tf.Tensor1D =>
    tf.matMul(ones, parameter<tf.Tensor1D>(context, vector).expandDims<tf.Tensor2D>(0)).flatten();
  const image = cells.reshape<tf.Tensor2D>([batch, rows * columns * features]);
  return gelu(layerNorm(image, everywhere(`${name}.norm.gain`), everywhere(`${name}.norm.bias`))).reshape(cells.shape);
}

/** A convolution: the cells of each window times one matrix. */
function projectWindows(context: ForwardContext, name: string, cells: tf.Tensor4D, window: Window): tf.Tensor4D {
  const windows = unfold(cells, window);
  const [batch, rows, columns, features] = windows.shape;
  const projected = project(context, name, windows.reshape([batch * rows * columns, features]));
  return projected.reshape([batch, rows, columns, projected.shape[1]]);
}
