/**
 * The multi-view vision transformer. Every image is seen in several views; each view becomes tokens through one shared
 * patch embedding, and every attention block mixes the views into its input by learned, squared weights:
 *
 *   E_i = LN(P x_i + pos) + e_i          a_i = w_i^2 / (eps + sum_j w_j^2)
 *   U   = LN(Z) + g * sum_i a_i E_i      Z <- Z + MultiHeadAttention(U)      Z <- Z + MLP(LN(Z))
 *
 * There is no batch normalisation: a sample's result never depends on the other samples of its micro-batch.
 */
import * as tf from '@tensorflow/tfjs';
import { TrainingError, type ImageShape, type ModelConfig } from '@facet/shared';
import { attention, gelu, layerNorm, linear, softmax, tokenShift } from './ops.js';
import type { Initialiser, ParameterSpec } from './parameters.js';
import { resampleMatrix, VIEWS, type PatchGrid, type View } from './views.js';

export interface ModelShape {
  readonly image: ImageShape;
  readonly classes: number;
  readonly config: ModelConfig;
}

export interface Model {
  readonly parameters: readonly ParameterSpec[];
  /**
   * @param parameters one tensor per parameter, by name
   * @param images [batch, channels * height * width], planar, in [0, 1]
   * @returns logits [batch, classes]
   */
  readonly forward: (parameters: ReadonlyMap<string, tf.Tensor>, images: tf.Tensor2D) => tf.Tensor2D;
}

/** Keeps the view weights finite when all of them approach zero. */
const VIEW_WEIGHT_EPSILON = 1e-6;

const INJECTION_START = 0.1;

/** Describes the model of a configuration: its parameters and its forward pass. */
export function createModel(shape: ModelShape): Model {
  const grid = patchGrid(shape);
  const views = shape.config.views.map((name): View => VIEWS[name]);
  return {
    parameters: parameterSpecs(shape, grid, views.length),
    forward: (parameters, images) => tf.tidy(() => forward({ shape, grid, views, parameters }, images)),
  };
}

function patchGrid({ image, config }: ModelShape): PatchGrid {
  const { patchSize, patchStride: stride } = config;
  if (image.height !== image.width) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `the model takes square images, but these are ${image.height}x${image.width}; crop or pad the dataset first`,
    );
  }
  const cells = Math.ceil(image.height / (stride * config.merge)) * config.merge;
  return { cells, patchSize, stride };
}

const zero: Initialiser = { kind: 'constant', value: 0 };
const one: Initialiser = { kind: 'constant', value: 1 };

function parameterSpecs({ image, classes, config }: ModelShape, grid: PatchGrid, viewCount: number): ParameterSpec[] {
  const { width, depth, mlpRatio } = config;
  const pixels = image.channels * grid.patchSize * grid.patchSize;
  const side = grid.cells / config.merge;
  const hidden = width * mlpRatio;
  const specs: ParameterSpec[] = [];
  const weight = (name: string, from: number, to: number, scale = 1): void => {
    specs.push({
      name,
      shape: [from, to],
      initialiser: { kind: 'normal', stddev: scale / Math.sqrt(from) },
      decays: true,
    });
  };
  const vector = (name: string, shape: readonly number[], initialiser: Initialiser): void => {
    specs.push({ name, shape, initialiser, decays: false });
  };
  const norm = (name: string): void => {
    vector(`${name}.gain`, [width], one);
    vector(`${name}.bias`, [width], zero);
  };

  weight('stem.weight', pixels, config.stemWidth);
  vector('stem.bias', [config.stemWidth], zero);
  weight('embedding.weight', config.stemWidth * config.merge ** 2, width);
  vector('embedding.bias', [width], zero);
  vector('embedding.position', [side * side, width], { kind: 'normal', stddev: 0.02 });
  norm('views.norm');
  vector('views.viewpoint', [viewCount, width], { kind: 'normal', stddev: 0.02 });
  for (let block = 0; block < depth; block++) {
    const prefix = `block${block}`;
    vector(`${prefix}.views.weight`, [viewCount], { kind: 'constant', value: 1 / Math.sqrt(viewCount) });
    vector(`${prefix}.views.injection`, [1], { kind: 'constant', value: INJECTION_START });
    norm(`${prefix}.attention.norm`);
    weight(`${prefix}.attention.qkv.weight`, width, 3 * width);
    vector(`${prefix}.attention.qkv.bias`, [3 * width], zero);
    // Residual branches start small, so that a deep model begins close to the identity (GPT-2's initialisation).
    weight(`${prefix}.attention.out.weight`, width, width, 1 / Math.sqrt(2 * depth));
    vector(`${prefix}.attention.out.bias`, [width], zero);
    norm(`${prefix}.mlp.norm`);
    weight(`${prefix}.mlp.in.weight`, width, hidden);
    vector(`${prefix}.mlp.in.bias`, [hidden], zero);
    weight(`${prefix}.mlp.out.weight`, hidden, width, 1 / Math.sqrt(2 * depth));
    vector(`${prefix}.mlp.out.bias`, [width], zero);
  }
  norm('head.norm');
  weight('head.pool.weight', width, 1);
  weight('head.weight', width, classes, 0.1);
  vector('head.bias', [classes], zero);
  return specs;
}

interface ForwardContext {
  readonly shape: ModelShape;
  readonly grid: PatchGrid;
  readonly views: readonly View[];
  readonly parameters: ReadonlyMap<string, tf.Tensor>;
}

function parameter<T extends tf.Tensor>(context: ForwardContext, name: string): T {
  const tensor = context.parameters.get(name);
  if (tensor === undefined) throw new TrainingError('INTERNAL', `the model asked for an unknown parameter ${name}`);
  return tensor as T;
}

function normalise(context: ForwardContext, name: string, x: tf.Tensor2D): tf.Tensor2D {
  return layerNorm(x, parameter(context, `${name}.gain`), parameter(context, `${name}.bias`));
}

function project(context: ForwardContext, name: string, x: tf.Tensor2D): tf.Tensor2D {
  return linear(x, parameter(context, `${name}.weight`), parameter(context, `${name}.bias`));
}

function forward(context: ForwardContext, images: tf.Tensor2D): tf.Tensor2D {
  const { shape, views } = context;
  const { width, depth } = shape.config;
  const [batch, tokens] = [images.shape[0], tokenCount(context)];
  const rows = batch * tokens;

  const embedded = project(context, 'embedding', mergeCells(context, images)) // [views * batch * tokens, width]
    .reshape([views.length * batch, tokens, width])
    .add(parameter(context, 'embedding.position'))
    .reshape<tf.Tensor2D>([views.length * rows, width]);
  const viewTokens = normalise(context, 'views.norm', embedded)
    .reshape([views.length, rows, width])
    .add(parameter<tf.Tensor2D>(context, 'views.viewpoint').expandDims(1))
    .reshape<tf.Tensor2D>([views.length, rows * width]);

  let z = embedded.slice([0, 0], [rows, width]);
  for (let block = 0; block < depth; block++) {
    z = z.add(attentionBranch(context, block, z, viewTokens));
    z = z.add(mlpBranch(context, block, z));
  }
  return classify(context, normalise(context, 'head.norm', z), batch);
}

function tokenCount({ shape, grid }: ForwardContext): number {
  return (grid.cells / shape.config.merge) ** 2;
}

/**
 * The stem: every patch becomes a cell of a few features, and neighbouring cells are laid side by side as one token.
 *
 * @returns [views * batch * tokens, merge * merge * stemWidth]
 */
function mergeCells(context: ForwardContext, images: tf.Tensor2D): tf.Tensor2D {
  const { shape, grid, views } = context;
  const { merge, stemWidth } = shape.config;
  const side = grid.cells / merge;
  const cells = gelu(project(context, 'stem', viewPatches(context, images)));
  const count = views.length * images.shape[0];
  return cells
    .reshape([count, side, merge, side, merge * stemWidth])
    .transpose([0, 1, 3, 2, 4])
    .reshape([count * side * side, merge * merge * stemWidth]);
}

/**
 * Resamples every view and cuts it into overlapping patches.
 *
 * @returns [views * batch * cells * cells, channels * patch * patch]
 */
function viewPatches({ shape, grid, views }: ForwardContext, images: tf.Tensor2D): tf.Tensor2D {
  const { height, width, channels } = shape.image;
  const { cells, patchSize } = grid;
  const { mean, stddev } = shape.config.pixels;
  const batch = images.shape[0];
  const columns = cells * patchSize;

  const centred = images
    .reshape([batch, channels, height * width])
    .sub(tf.tensor3d([...mean], [1, channels, 1]))
    .div(tf.tensor3d([...stddev], [1, channels, 1]));
  const horizontal = views.map((view) =>
    tf.tensor2d(resampleMatrix(width, view.zoom, view.shiftX, grid), [width, columns]),
  );
  const vertical = views.map((view) =>
    tf.tensor2d(resampleMatrix(height, view.zoom, view.shiftY, grid), [height, columns]),
  );

  const resampledRows = tf.matMul(
    centred.reshape<tf.Tensor3D>([1, batch * channels * height, width]),
    tf.stack(horizontal),
  ); // [views, batch * channels * height, columns]
  // One product per view: tfjs's CPU kernel broadcasts a leading dimension of size one only when it is the only one.
  const resampled = resampledRows
    .unstack<tf.Tensor2D>()
    .map((rows, view) =>
      tf.matMul(
        vertical[view]!.expandDims<tf.Tensor3D>(0),
        rows.reshape<tf.Tensor3D>([batch * channels, height, columns]),
        true,
        false,
      ),
    );
  return tf
    .concat(resampled, 0) // [views * batch * channels, rows of cells, columns of cells]
    .reshape([views.length * batch, channels, cells, patchSize, cells, patchSize])
    .transpose([0, 2, 4, 1, 3, 5]) // [views * batch, row, column, channel, patch row, patch column]
    .reshape([views.length * batch * cells * cells, channels * patchSize * patchSize]);
}

/** sum_i a_i E_i for one block, as [rows, width]. */
function mixViews(context: ForwardContext, block: number, viewTokens: tf.Tensor2D, width: number): tf.Tensor2D {
  const squared = parameter<tf.Tensor1D>(context, `block${block}.views.weight`).square();
  const weights =
    context.shape.config.viewWeights === 'normalised' ? squared.div(squared.sum().add(VIEW_WEIGHT_EPSILON)) : squared;
  return tf.matMul(weights.expandDims<tf.Tensor2D>(0), viewTokens).reshape([-1, width]);
}

function attentionBranch(context: ForwardContext, block: number, z: tf.Tensor2D, viewTokens: tf.Tensor2D): tf.Tensor2D {
  const { width, heads } = context.shape.config;
  const tokens = tokenCount(context);
  const batch = z.shape[0] / tokens;
  const headWidth = width / heads;
  const prefix = `block${block}`;

  const injected = mixViews(context, block, viewTokens, width).mul(parameter(context, `${prefix}.views.injection`));
  const u = normalise(context, `${prefix}.attention.norm`, z).add<tf.Tensor2D>(injected);
  const [query, key, value] = project(context, `${prefix}.attention.qkv`, u)
    .reshape([batch, tokens, 3, heads, headWidth])
    .transpose([2, 0, 3, 1, 4]) // [3, batch, heads, tokens, headWidth]
    .unstack() as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const mixed = attention({ query, key, value })
    .transpose([0, 2, 1, 3])
    .reshape<tf.Tensor2D>([batch * tokens, width]);
  return project(context, `${prefix}.attention.out`, mixed);
}

function mlpBranch(context: ForwardContext, block: number, z: tf.Tensor2D): tf.Tensor2D {
  const side = context.grid.cells / context.shape.config.merge;
  const prefix = `block${block}.mlp`;
  const hidden = project(context, `${prefix}.in`, normalise(context, `${prefix}.norm`, z));
  const channels = hidden.shape[1];
  const grid = hidden.reshape<tf.Tensor4D>([z.shape[0] / (side * side), side, side, channels]);
  const active = gelu(tokenShift(grid)).reshape<tf.Tensor2D>([z.shape[0], channels]);
  return project(context, `${prefix}.out`, active);
}

/** Pools the tokens by a learned softmax over them (Hassani et al. 2021), then classifies. */
function classify(context: ForwardContext, z: tf.Tensor2D, batch: number): tf.Tensor2D {
  const width = z.shape[1];
  const tokens = z.shape[0] / batch;
  const scores = softmax(tf.matMul(z, parameter<tf.Tensor2D>(context, 'head.pool.weight')).reshape([batch, 1, tokens]));
  const pooled = tf.matMul(scores, z.reshape<tf.Tensor3D>([batch, tokens, width])).reshape<tf.Tensor2D>([batch, width]);
  return project(context, 'head', pooled);
}
