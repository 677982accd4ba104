/**
 * Losses that only training has. Both teach the tokens about space, without labels, and both are per sample: what they say
 * about one sample never depends on another.
 *
 *   relative position: an MLP sees two tokens of the last block and tells how many rows and columns lie between them
 *   completion: patches of the identity view are hidden and rebuilt by attending to the tokens of the other views
 *
 * Which tokens is drawn on the host, from the identity of the micro-batch.
 */
import * as tf from '@tensorflow/tfjs';
import { attention, gelu } from '@facet/compiler';
import { normalise, parameter, project, type ForwardContext } from './forward-context.js';
import { viewPatches } from './resample.js';
import { pixelsPerToken } from './stem-grid.js';
import { VIEWS } from './views.js';

/** Pairs of tokens that one micro-batch compares. */
export const POSITION_PAIRS = 32;

/** What is drawn for one micro-batch. */
export interface AuxiliaryDraws {
  /** [2 * POSITION_PAIRS, tokens], one-hot rows: first the first tokens of all pairs, then the second ones */
  readonly tokenPairs: tf.Tensor2D;
  /** [tokens], 1 where the identity view is hidden */
  readonly hiddenTokens: tf.Tensor1D;
}

/** What the forward pass has at its end. */
export interface ForwardResult {
  readonly logits: tf.Tensor2D;
  /** [batch * tokens, width], of the last block */
  readonly tokens: tf.Tensor2D;
  /** [batch * channels, height, width], normalised */
  readonly pixels: tf.Tensor3D;
  /** [views, batch * tokens, width] */
  readonly views: tf.Tensor3D | undefined;
}

/** The weighted sum of the auxiliary losses that are on, [batch]; undefined when none is. */
export function auxiliaryLosses(
  context: ForwardContext,
  result: ForwardResult,
  draws: AuxiliaryDraws,
): tf.Tensor1D | undefined {
  const { relativePosition, completion } = context.config.auxiliary;
  const losses: tf.Tensor1D[] = [];
  if (relativePosition > 0) losses.push(positionLoss(context, result.tokens, draws.tokenPairs).mul(relativePosition));
  if (completion > 0) losses.push(completionLoss(context, result, draws.hiddenTokens).mul(completion));
  const [first, ...rest] = losses;
  return first === undefined ? undefined : rest.reduce((sum, loss) => sum.add(loss), first);
}

/** Mean absolute error of the offset between two tokens along both axes, as a share of the side (Liu et al. 2021). */
function positionLoss(context: ForwardContext, z: tf.Tensor2D, tokenPairs: tf.Tensor2D): tf.Tensor1D {
  const { side } = context;
  const tokens = side * side;
  const width = z.shape[1];
  const batch = z.shape[0] / tokens;
  const pairs = tokenPairs.shape[0] / 2;
  const halves = (x: tf.Tensor2D): [tf.Tensor2D, tf.Tensor2D] => [
    x.slice([0, 0], [pairs, x.shape[1]]),
    x.slice([pairs, 0], [pairs, x.shape[1]]),
  ];

  const places = tf.tensor2d(
    Array.from({ length: tokens }, (_, token) => [Math.floor(token / side), token % side]),
    [tokens, 2],
  );
  const [from, to] = halves(tf.matMul(tokenPairs, places));
  const target = from
    .sub(to)
    .abs()
    .div(side - 1)
    .reshape([1, pairs, 2]);
  // [batch, tokens, width] -> [tokens, batch * width]: one product chooses the tokens of every sample.
  const columns = z
    .reshape([batch, tokens, width])
    .transpose([1, 0, 2])
    .reshape<tf.Tensor2D>([tokens, batch * width]);
  const [first, second] = halves(tf.matMul(tokenPairs, columns)).map((chosen) =>
    chosen
      .reshape([pairs, batch, width])
      .transpose([1, 0, 2])
      .reshape<tf.Tensor2D>([batch * pairs, width]),
  ) as [tf.Tensor2D, tf.Tensor2D];
  const hidden = gelu(project(context, 'auxiliary.position.in', tf.concat([first, second], 1)));
  const told = project(context, 'auxiliary.position.out', hidden).reshape([batch, pairs, 2]);
  return told.sub(target).abs().mean([1, 2]);
}

/** Mean squared error of the pixels of hidden patches. */
function completionLoss(
  context: ForwardContext,
  { pixels, views }: ForwardResult,
  hiddenTokens: tf.Tensor1D,
): tf.Tensor1D {
  const { image, config, side } = context;
  const { width, heads, viewPatchSize } = config;
  const tokens = side * side;
  const [count, rows] = views!.shape;
  const batch = rows / tokens;
  const grid = { cells: side, patchSize: viewPatchSize, stride: pixelsPerToken(config) };
  const patches = viewPatches(pixels, VIEWS.identity, image, grid); // [batch * tokens, pixels of a patch]
  const isHidden = hiddenTokens.reshape<tf.Tensor3D>([1, tokens, 1]);

  const shown = project(context, 'views.patch', patches).reshape<tf.Tensor3D>([batch, tokens, width]);
  const masked = shown
    .mul(tf.scalar(1).sub(isHidden))
    .add(parameter<tf.Tensor1D>(context, 'auxiliary.completion.mask').mul(isHidden))
    .add(parameter(context, 'embedding.position'))
    .reshape<tf.Tensor2D>([rows, width]);
  const inHeads = (x: tf.Tensor2D): tf.Tensor4D =>
    x.reshape<tf.Tensor4D>([batch, x.shape[0] / batch, heads, width / heads]).transpose([0, 2, 1, 3]);
  const query = inHeads(project(context, 'auxiliary.completion.query', normalise(context, 'views.norm', masked)));
  const others = views!
    .slice([1, 0, 0], [count - 1, rows, width])
    .reshape([count - 1, batch, tokens, width])
    .transpose([1, 0, 2, 3])
    .reshape<tf.Tensor2D>([(count - 1) * rows, width]);
  const keyValue = project(context, 'auxiliary.completion.keyValue', others);
  const key = inHeads(keyValue.slice([0, 0], [others.shape[0], width]));
  const value = inHeads(keyValue.slice([0, width], [others.shape[0], width]));
  const seen = attention({ query, key, value }).transpose([0, 2, 1, 3]).reshape<tf.Tensor2D>([rows, width]);
  const rebuilt = project(context, 'auxiliary.completion.out', seen);
  const errors = rebuilt.sub(patches).square().mean(1).reshape([batch, tokens]);
  return errors.mul(hiddenTokens).sum<tf.Tensor1D>(1).div(hiddenTokens.sum());
}
