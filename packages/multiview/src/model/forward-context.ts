/**
 * What every part of the forward pass reads: the shape of the model and its parameters by name.
 */
import type * as tf from '@tensorflow/tfjs';
import { TrainingError, type ImageShape } from '@facet/shared';
import type { ModelConfig } from '../config/model-schema.js';
import { layerNorm, linear } from '@facet/compiler';

/** Intermediate values that an inspection keeps. Nothing that is trained or evaluated is computed from them. */
export interface ForwardTrace {
  /** Attention probabilities of the last block, [batch, heads, tokens, keys]. */
  attention?: tf.Tensor4D;
  /** The share of every token in the pooled one, [batch, 1, tokens]. */
  poolingShares?: tf.Tensor3D;
}

export interface ForwardContext {
  readonly image: ImageShape;
  readonly classes: number;
  readonly config: ModelConfig;
  /** Tokens along one side. */
  readonly side: number;
  readonly parameters: ReadonlyMap<string, tf.Tensor>;
  /** Filled in by the forward pass when there is one. */
  readonly trace?: ForwardTrace;
}

/** A parameter by its name. */
export function parameter<T extends tf.Tensor>({ parameters }: ForwardContext, name: string): T {
  const tensor = parameters.get(name);
  if (tensor === undefined) throw new TrainingError('INTERNAL', `the model asked for an unknown parameter ${name}`);
  return tensor as T;
}

/** Layer norm with the parameters NAME.gain and NAME.bias. */
export function normalise(context: ForwardContext, name: string, x: tf.Tensor2D): tf.Tensor2D {
  return layerNorm(x, parameter(context, `${name}.gain`), parameter(context, `${name}.bias`));
}

/** x W + b with the parameters NAME.weight and NAME.bias. */
export function project(context: ForwardContext, name: string, x: tf.Tensor2D): tf.Tensor2D {
  return linear(x, parameter(context, `${name}.weight`), parameter(context, `${name}.bias`));
}
