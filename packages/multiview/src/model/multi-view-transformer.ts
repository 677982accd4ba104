/**
 * The multi-view vision transformer. A stem turns the image into a grid of tokens Z; a shared patch embedding P turns each
 * view of it into a grid of the same shape; attention sees both:
 *
 *   E_i = LN(P x_i + pos) + e_i          a_i = w_i^2 / (eps + sum_j w_j^2)
 *   additive:  U = LN(Z) + g * sum_i a_i E_i         Z <- Z + MultiHeadAttention(U, U)
 *   cross:     U = LN(Z), K = [U; E_1; ..; E_V]      Z <- Z + MultiHeadAttention(U, K), log a_i added to the scores of E_i
 *   then       Z <- Z + MLP(LN(Z))
 *
 * There is no batch normalisation: a sample's result never depends on the other samples of its micro-batch.
 */
import * as tf from '@tensorflow/tfjs';
import { TrainingError, type ImageShape } from '@facet/shared';
import type { ModelConfig } from '../config/model-schema.js';
import { auxiliaryLosses, type AuxiliaryDraws, type ForwardResult } from './auxiliary-losses.js';
import { attentionBranch, mlpBranch } from './block.js';
import { classify } from './classifier.js';
import type { ForwardContext } from './forward-context.js';
import { mlpPrefixes, parameterSpecs } from './parameter-specs.js';
import type { ParameterSpec } from '@facet/task';
import { relativeBiases } from './relative-bias.js';
import { pixelsPerToken } from './stem-grid.js';
import { stemTokens } from './stem.js';
import { inspectionOf, type Inspection } from './inspection.js';
import { embedViews } from './view-embedding.js';

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
  /** Whether training has losses besides the cross-entropy. */
  readonly hasAuxiliary: boolean;
  /** As `forward`, with the weighted sum of the auxiliary losses, [batch]. */
  readonly forwardWithAuxiliary: (
    parameters: ReadonlyMap<string, tf.Tensor>,
    images: tf.Tensor2D,
    draws: AuxiliaryDraws,
  ) => { readonly logits: tf.Tensor2D; readonly auxiliary: tf.Tensor1D };
  /** As `forward`, with what the model looks at. Has no gradients. */
  readonly inspect: (parameters: ReadonlyMap<string, tf.Tensor>, images: tf.Tensor2D) => Inspection;
  /** Tokens of one image. */
  readonly tokens: number;
}

/** Describes the model of a configuration: its parameters and its forward pass. */
export function createModel(shape: ModelShape): Model {
  const side = tokenSide(shape);
  return {
    parameters: parameterSpecs({ ...shape, side }),
    tokens: side * side,
    forward: (parameters, images) => tf.tidy(() => forward({ ...shape, side, parameters }, images).logits),
    hasAuxiliary: Object.values(shape.config.auxiliary).some((weight) => weight > 0),
    forwardWithAuxiliary: (parameters, images, draws) =>
      tf.tidy(() => {
        const context = { ...shape, side, parameters };
        const result = forward(context, images);
        const auxiliary = auxiliaryLosses(context, result, draws) ?? tf.zeros<tf.Rank.R1>([images.shape[0]]);
        return { logits: result.logits, auxiliary };
      }),
    inspect: (parameters, images) =>
      tf.tidy(() => {
        const context = { ...shape, side, parameters, trace: {} };
        return inspectionOf(context, forward(context, images));
      }),
  };
}

/**
 * Tokens along one side: as many as it takes to cover the image.
 *
 * @throws TrainingError CONFIG_INVALID for images that are not square, and for one token where losses compare several.
 */
function tokenSide({ image, config }: ModelShape): number {
  if (image.height !== image.width) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `the model takes square images, but these are ${image.height}x${image.width}; crop or pad the dataset first`,
    );
  }
  const side = Math.ceil(image.height / pixelsPerToken(config));
  if (side === 1 && Object.values(config.auxiliary).some((weight) => weight > 0)) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `model.auxiliary compares tokens, but an image of ${image.height} pixels is one token of ${pixelsPerToken(config)}; lower model.patchStride or model.merge, or set model.auxiliary to 0`,
    );
  }
  return side;
}

function forward(context: ForwardContext, images: tf.Tensor2D): ForwardResult {
  const { image, config, side } = context;
  const { height, width, channels } = image;
  const { mean, stddev } = config.pixels;
  const batch = images.shape[0];
  const pixels = images
    .reshape([batch, channels, height * width])
    .sub(tf.tensor3d([...mean], [1, channels, 1]))
    .div(tf.tensor3d([...stddev], [1, channels, 1]))
    .reshape<tf.Tensor3D>([batch * channels, height, width]);
  const views = config.injection === 'none' ? undefined : embedViews(context, pixels);
  const biases = relativeBiases(context);
  let z = stemTokens(context, pixels);
  for (let block = 0; block < config.depth; block++) {
    const seen = { views: block < config.injectionBlocks ? views : undefined, bias: biases?.[block] };
    z = z.add(attentionBranch(context, block, z, seen));
    for (const prefix of mlpPrefixes(config, block)) z = z.add(mlpBranch(context, { prefix, side }, z));
  }
  return { logits: classify(context, z, batch), tokens: z, pixels, views };
}
