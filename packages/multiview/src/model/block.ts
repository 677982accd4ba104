/**
 * One transformer block: attention that sees the views, then an MLP that sees its neighbours.
 */
import * as tf from '@tensorflow/tfjs';
import { attention, attentionProbabilities, gelu, linear, type AttentionInputs, tokenShift } from '@facet/compiler';
import { normalise, parameter, project, type ForwardContext } from './forward-context.js';
import { mixViews, viewWeights } from './view-embedding.js';

/** Smallest view weight in the logarithm, so that it stays finite. A view with this weight has no influence. */
const LOG_WEIGHT_EPSILON = 1e-6;

export interface AttentionView {
  /** [views, batch * tokens, width]; undefined when this block sees no views */
  readonly views: tf.Tensor3D | undefined;
  /** [heads, tokens, tokens]; undefined without a relative bias */
  readonly bias: tf.Tensor3D | undefined;
}

/**
 * @param z [batch * tokens, width]
 * @returns [batch * tokens, width]
 */
export function attentionBranch(
  context: ForwardContext,
  block: number,
  z: tf.Tensor2D,
  { views, bias }: AttentionView,
): tf.Tensor2D {
  const prefix = `block${block}.attention`;
  const normed = normalise(context, `${prefix}.norm`, z);
  const mixed =
    views !== undefined && context.config.injection === 'cross'
      ? attendToViews(context, block, normed, { views, bias: crossBias(context, block, bias) })
      : attendToTokens(context, block, {
          u: views === undefined ? normed : inject(context, block, normed, views),
          bias,
        });
  const { width } = context.config;
  return project(context, `${prefix}.out`, mixed.transpose([0, 2, 1, 3]).reshape([z.shape[0], width]));
}

/** LN(Z) + g * sum_i a_i E_i. */
function inject(context: ForwardContext, block: number, normed: tf.Tensor2D, views: tf.Tensor3D): tf.Tensor2D {
  return normed.add(mixViews(context, block, views).mul(parameter(context, `block${block}.views.injection`)));
}

/** Self-attention; [batch, heads, tokens, head width]. */
function attendToTokens(
  context: ForwardContext,
  block: number,
  { u, bias }: { readonly u: tf.Tensor2D; readonly bias: tf.Tensor3D | undefined },
): tf.Tensor4D {
  const tokens = context.side ** 2;
  const { width, heads } = context.config;
  const [query, key, value] = project(context, `block${block}.attention.qkv`, u)
    .reshape([u.shape[0] / tokens, tokens, 3, heads, width / heads])
    .transpose([2, 0, 3, 1, 4])
    .unstack() as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  return attend(context, block, { query, key, value, bias });
}

/** Attention whose keys and values are the tokens and those of every view; [batch, heads, tokens, head width]. */
function attendToViews(
  context: ForwardContext,
  block: number,
  u: tf.Tensor2D,
  { views, bias }: { readonly views: tf.Tensor3D; readonly bias: tf.Tensor3D },
): tf.Tensor4D {
  const tokens = context.side ** 2;
  const { width, heads } = context.config;
  const [count, rows] = views.shape;
  const batch = rows / tokens;
  const name = `block${block}.attention.qkv`;
  const weight = parameter<tf.Tensor2D>(context, `${name}.weight`);
  const offset = parameter<tf.Tensor1D>(context, `${name}.bias`);

  const query = linear(u, weight.slice([0, 0], [width, width]), offset.slice([0], [width]))
    .reshape([batch, tokens, heads, width / heads])
    .transpose<tf.Tensor4D>([0, 2, 1, 3]);
  const seen = tf.concat([u.expandDims<tf.Tensor3D>(0), views], 0).reshape<tf.Tensor2D>([(1 + count) * rows, width]);
  const [key, value] = linear(seen, weight.slice([0, width], [width, 2 * width]), offset.slice([width], [2 * width]))
    .reshape([1 + count, batch, tokens, 2, heads * (width / heads)])
    .transpose([3, 1, 0, 2, 4]) // [2, batch, 1 + views, tokens, width]
    .reshape([2, batch, (1 + count) * tokens, heads, width / heads])
    .transpose([0, 1, 3, 2, 4])
    .unstack() as [tf.Tensor4D, tf.Tensor4D];
  return attend(context, block, { query, key, value, bias });
}

/** Attention, whose probabilities an inspection keeps in the last block. */
function attend({ config, trace }: ForwardContext, block: number, inputs: AttentionInputs): tf.Tensor4D {
  if (trace !== undefined && block === config.depth - 1) trace.attention = attentionProbabilities(inputs);
  return attention(inputs);
}

/** The relative bias for the tokens, and for those of view i the same plus log a_i, [heads, tokens, (1 + views) * tokens]. */
function crossBias(context: ForwardContext, block: number, relative: tf.Tensor3D | undefined): tf.Tensor3D {
  const { config, side } = context;
  const tokens = side ** 2;
  const base = relative ?? tf.zeros<tf.Rank.R3>([config.heads, tokens, tokens]);
  const logs = viewWeights(context, block).add(LOG_WEIGHT_EPSILON).log();
  const perView = context.config.views.map((_, view) => base.add<tf.Tensor3D>(logs.slice([view], [1])));
  return tf.concat([base, ...perView], 2);
}

/**
 * An MLP whose hidden features look one place up, down, left and right.
 *
 * @param prefix of its parameters
 * @param side of the square grid that the rows of an image are
 * @param z [batch * side * side, width]
 * @returns the same shape
 */
export function mlpBranch(
  context: ForwardContext,
  { prefix, side }: { readonly prefix: string; readonly side: number },
  z: tf.Tensor2D,
): tf.Tensor2D {
  const hidden = project(context, `${prefix}.in`, normalise(context, `${prefix}.norm`, z));
  const channels = hidden.shape[1];
  const grid = hidden.reshape<tf.Tensor4D>([z.shape[0] / (side * side), side, side, channels]);
  const active = gelu(tokenShift(grid)).reshape<tf.Tensor2D>([z.shape[0], channels]);
  return project(context, `${prefix}.out`, active);
}
