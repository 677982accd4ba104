/**
 * Operations of the model that tfjs does not have in one piece, each with its own gradient. On the capturing backend they
 * record coarse nodes; everywhere else they are composed of tfjs operations with the same result. All of them consume
 * nothing and return new tensors.
 */
import * as tf from '@tensorflow/tfjs';
import { CAPTURE_BACKEND } from './backend-name.js';
import { callCoarse } from './coarse-ops.js';

const isCapturing = (): boolean => tf.getBackend() === CAPTURE_BACKEND;

function runKernel(name: string, inputs: Record<string, tf.Tensor>, attrs: Record<string, number> = {}): tf.Tensor[] {
  const result: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(name, inputs, attrs);
  return Array.isArray(result) ? result : [result];
}

interface WithGradient<Inputs extends tf.Tensor[]> {
  /** The first result is the value; `saved` goes to the gradient. */
  readonly forward: (...inputs: Inputs) => { readonly value: tf.Tensor; readonly saved: readonly tf.Tensor[] };
  /** One gradient for each input. */
  readonly gradient: (dy: tf.Tensor, saved: readonly tf.Tensor[]) => tf.Tensor[];
}

/** An operation with a gradient of its own, typed once. */
function withGradient<Inputs extends tf.Tensor[]>(
  { forward, gradient }: WithGradient<Inputs>,
  ...inputs: Inputs
): tf.Tensor {
  return tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    const { value, saved } = forward(...(args.slice(0, -1) as Inputs));
    save([...saved]);
    return { value, gradFunc: (dy: tf.Tensor, kept: tf.Tensor[]) => gradient(dy, kept) };
  })(...inputs);
}

const LAYER_NORM_EPSILON = 1e-5;

/**
 * Normalises the last axis, then scales and shifts: gain * (x - mean) / sqrt(variance + 1e-5) + bias (Ba et al. 2016).
 *
 * @param x [rows, width]
 * @param gain [width]
 * @param bias [width]
 */
export function layerNorm(x: tf.Tensor2D, gain: tf.Tensor1D, bias: tf.Tensor1D): tf.Tensor2D {
  return withGradient<[tf.Tensor2D, tf.Tensor1D, tf.Tensor1D]>(
    {
      forward(input, scale, shift) {
        const [value, mean, reciprocalDeviation] = isCapturing()
          ? runKernel('FacetLayerNorm', { x: input, gain: scale, bias: shift }, { epsilon: LAYER_NORM_EPSILON })
          : composeLayerNorm(input, scale, shift);
        return { value: value!, saved: [input, scale, mean!, reciprocalDeviation!] };
      },
      gradient: (dy, saved) => callCoarse({ kind: 'layerNormGradient' }, [dy, ...saved]),
    },
    x,
    gain,
    bias,
  ) as tf.Tensor2D;
}

function composeLayerNorm(x: tf.Tensor2D, gain: tf.Tensor1D, bias: tf.Tensor1D): tf.Tensor2D[] {
  const mean = x.mean<tf.Tensor2D>(-1, true);
  const centred = x.sub<tf.Tensor2D>(mean);
  const reciprocalDeviation = centred.square().mean(-1, true).add(LAYER_NORM_EPSILON).rsqrt() as tf.Tensor2D;
  return [centred.mul(reciprocalDeviation).mul(gain).add(bias), mean, reciprocalDeviation];
}

/** x * Phi(x), exact by the error function (Hendrycks and Gimpel 2016). */
export function gelu<T extends tf.Tensor>(x: T): T {
  return withGradient(
    {
      forward(input) {
        const value = isCapturing()
          ? runKernel('FacetGelu', { x: input })[0]!
          : input.mul(input.mul(Math.SQRT1_2).erf().add(1).mul(0.5));
        return { value, saved: [input] };
      },
      gradient: (dy, saved) => callCoarse({ kind: 'geluGradient' }, [dy, ...saved]),
    },
    x as tf.Tensor,
  ) as T;
}

/**
 * x W + b.
 *
 * @param x [rows, in]
 * @param weight [in, out]
 * @param bias [out]
 * @returns [rows, out]
 */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  return withGradient<[tf.Tensor2D, tf.Tensor2D, tf.Tensor1D]>(
    {
      forward: (input, w, b) => ({ value: callCoarse({ kind: 'linear' }, [input, w, b])[0]!, saved: [input, w] }),
      gradient: (dy, saved) => callCoarse({ kind: 'linearGradient' }, [dy, ...saved]),
    },
    x,
    weight,
    bias,
  ) as tf.Tensor2D;
}

export interface AttentionInputs {
  /** [batch, heads, queries, width] */
  readonly query: tf.Tensor4D;
  /** [batch, heads, keys, width] */
  readonly key: tf.Tensor4D;
  /** [batch, heads, keys, width] */
  readonly value: tf.Tensor4D;
  /** [heads, queries, keys], added to the scaled scores of every sample */
  readonly bias?: tf.Tensor3D | undefined;
}

/**
 * Scaled dot-product attention, softmax(Q K^T / sqrt(width) + bias) V (Vaswani et al. 2017).
 *
 * @returns [batch, heads, queries, width]
 */
export function attention({ query, key, value, bias }: AttentionInputs): tf.Tensor4D {
  const options = attentionOptions({ query, bias });
  return withGradient<tf.Tensor[]>(
    {
      forward(q, k, v, ...rest) {
        const [mixed, probabilities] = callCoarse({ kind: 'attention', ...options }, [q, k, v, ...rest]);
        return { value: mixed!, saved: [q, k, v, mixed!, probabilities!] };
      },
      gradient: (dy, saved) => callCoarse({ kind: 'attentionGradient', ...options }, [dy, ...saved]),
    },
    query,
    key,
    value,
    ...(bias === undefined ? [] : [bias]),
  ) as tf.Tensor4D;
}

/** The probabilities by which `attention` mixes the values, [batch, heads, queries, keys]. For inspection: no gradient. */
export function attentionProbabilities({ query, key, value, bias }: AttentionInputs): tf.Tensor4D {
  const op = { kind: 'attention', ...attentionOptions({ query, bias }) } as const;
  const [, probabilities] = callCoarse(op, [query, key, value, ...(bias === undefined ? [] : [bias])]);
  return probabilities as tf.Tensor4D;
}

function attentionOptions({ query, bias }: Pick<AttentionInputs, 'query' | 'bias'>) {
  return { scale: 1 / Math.sqrt(query.shape[3]), hasBias: bias !== undefined };
}

/**
 * Softmax over the last axis, with the gradient in terms of its own result: y * (dy - sum(dy * y)).
 */
export function softmax<T extends tf.Tensor>(logits: T): T {
  return withGradient(
    {
      forward(input) {
        const value = tf.softmax(input);
        return { value, saved: [value] };
      },
      gradient(dy, [y]) {
        return [dy.sub(dy.mul(y!).sum(-1, true)).mul(y!)];
      },
    },
    logits as tf.Tensor,
  ) as T;
}

export interface CrossEntropyOptions {
  /** [batch, classes] */
  readonly logits: tf.Tensor2D;
  /** [batch, classes], each row a distribution. */
  readonly targets: tf.Tensor2D;
  /** Share of the target spread evenly over the classes, 0..1 (Szegedy et al. 2016). */
  readonly labelSmoothing: number;
}

/** The cross-entropy of every sample against its smoothed target, [batch], in nats. */
export function crossEntropy({ logits, targets, labelSmoothing }: CrossEntropyOptions): tf.Tensor1D {
  const weights = tf.ones<tf.Rank.R1>([logits.shape[0]]);
  return withGradient(
    {
      forward(input) {
        const op = { kind: 'crossEntropy', labelSmoothing } as const;
        const [value, probabilities] = callCoarse(op, [input, targets, weights]);
        return { value: value!, saved: [targets, weights, probabilities!] };
      },
      gradient: (dy, saved) => callCoarse({ kind: 'crossEntropyGradient', labelSmoothing }, [dy, ...saved]),
    },
    logits as tf.Tensor,
  ) as tf.Tensor1D;
}
