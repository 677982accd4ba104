/**
 * Operations of the model that tfjs does not have in one piece, each with its own gradient. On the capturing backend the
 * forward pass of layer norm and GELU is one node; everywhere else it is composed of tfjs operations with the same result.
 * All of them consume nothing and return new tensors.
 */
import * as tf from '@tensorflow/tfjs';
import { CAPTURE_BACKEND } from '../engine/capture/capture.js';

const isCapturing = (): boolean => tf.getBackend() === CAPTURE_BACKEND;

function runKernel(name: string, inputs: Record<string, tf.Tensor>, attrs: Record<string, number> = {}): tf.Tensor[] {
  const result: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(name, inputs, attrs);
  return Array.isArray(result) ? result : [result];
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
  return tf.customGrad((...args) => {
    const [input, scale, shift, save] = args as unknown as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc];
    const [value, mean, reciprocalDeviation] = isCapturing()
      ? (runKernel(
          'FacetLayerNorm',
          { x: input, gain: scale, bias: shift },
          { epsilon: LAYER_NORM_EPSILON },
        ) as tf.Tensor2D[])
      : composeLayerNorm(input, scale, shift);
    save([input, scale, mean!, reciprocalDeviation!]);
    return {
      value: value!,
      gradFunc: (dy: tf.Tensor2D, saved: tf.Tensor[]) => {
        const [x2, gain2, mean2, reciprocal2] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D, tf.Tensor2D];
        const normalised = x2.sub(mean2).mul<tf.Tensor2D>(reciprocal2);
        const scaled = dy.mul<tf.Tensor2D>(gain2);
        const along = scaled.mul(normalised).mean(-1, true);
        const dx = scaled.sub(scaled.mean(-1, true)).sub(normalised.mul(along)).mul(reciprocal2);
        return [dx, dy.mul(normalised).sum(0), dy.sum(0)];
      },
    };
  })(x, gain, bias);
}

function composeLayerNorm(x: tf.Tensor2D, gain: tf.Tensor1D, bias: tf.Tensor1D): tf.Tensor2D[] {
  const mean = x.mean<tf.Tensor2D>(-1, true);
  const centred = x.sub<tf.Tensor2D>(mean);
  const reciprocalDeviation = centred.square().mean(-1, true).add(LAYER_NORM_EPSILON).rsqrt() as tf.Tensor2D;
  return [centred.mul(reciprocalDeviation).mul(gain).add(bias), mean, reciprocalDeviation];
}

/** x * Phi(x), exact by the error function (Hendrycks and Gimpel 2016). */
export function gelu<T extends tf.Tensor>(x: T): T {
  return tf.customGrad((...args) => {
    const [input, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
    const cumulative = (v: tf.Tensor): tf.Tensor => v.mul(Math.SQRT1_2).erf().mul(0.5).add(0.5);
    save([input]);
    return {
      value: isCapturing() ? runKernel('FacetGelu', { x: input })[0]! : input.mul(cumulative(input)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const v = saved[0]!;
        const density = v
          .mul(v)
          .mul(-0.5)
          .exp()
          .mul(1 / Math.sqrt(2 * Math.PI));
        return dy.mul(cumulative(v).add(v.mul(density)));
      },
    };
  })(x) as T;
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
  return tf.matMul(x, weight).add(bias);
}

/**
 * Softmax over the last axis, with the gradient in terms of its own result: y * (dy - sum(dy * y)).
 */
export function softmax<T extends tf.Tensor>(logits: T): T {
  return tf.customGrad((...args) => {
    const [input, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
    const value = isCapturing()
      ? runKernel('Softmax', { logits: input }, { dim: input.rank - 1 })[0]!
      : tf.softmax(input);
    save([value]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const y = saved[0]!;
        const weighted = dy.mul(y);
        return weighted.sub(y.mul(weighted.sum(-1, true)));
      },
    };
  })(logits) as T;
}

/**
 * Moves an eighth of the channels by one token up, down, left and right each; what moves in from outside is zero. Gives
 * attention a sense of neighbourhood for the price of four copies (Wang et al. 2022, "When Shift Operation Meets Vision Transformer").
 *
 * @param x [batch, rows, columns, width], width divisible by 8
 */
export function tokenShift(x: tf.Tensor4D): tf.Tensor4D {
  const shift = (input: tf.Tensor4D, direction: 1 | -1): tf.Tensor4D => {
    const [batch, rows, columns, width] = input.shape;
    const part = width / 8;
    const group = (index: number, rowOffset: number, columnOffset: number): tf.Tensor4D => {
      const begin: [number, number, number, number] = [
        0,
        Math.max(0, rowOffset),
        Math.max(0, columnOffset),
        index * part,
      ];
      const size: [number, number, number, number] = [
        batch,
        rows - Math.abs(rowOffset),
        columns - Math.abs(columnOffset),
        part,
      ];
      return input.slice(begin, size).pad([
        [0, 0],
        [Math.max(0, -rowOffset), Math.max(0, rowOffset)],
        [Math.max(0, -columnOffset), Math.max(0, columnOffset)],
        [0, 0],
      ]);
    };
    return tf.concat(
      [
        group(0, direction, 0),
        group(1, -direction, 0),
        group(2, 0, direction),
        group(3, 0, -direction),
        input.slice([0, 0, 0, 4 * part], [batch, rows, columns, width - 4 * part]),
      ],
      3,
    );
  };
  // A shift is a permutation with zeros, so its transpose is the shift the other way.
  return tf.customGrad((...args) => ({
    value: shift(args[0] as tf.Tensor4D, 1),
    gradFunc: (dy: tf.Tensor) => shift(dy as tf.Tensor4D, -1),
  }))(x) as tf.Tensor4D;
}

export interface CrossEntropyOptions {
  /** [batch, classes] */
  readonly logits: tf.Tensor2D;
  /** [batch, classes], each row a distribution. */
  readonly targets: tf.Tensor2D;
  /** [batch]: 1 for a sample, 0 for padding. */
  readonly sampleWeights: tf.Tensor1D;
  /** Share of the target spread evenly over the classes, 0..1 (Szegedy et al. 2016). */
  readonly labelSmoothing: number;
}

/** The sum over samples of weight * cross-entropy against smoothed targets, as a scalar. */
export function crossEntropySum({ logits, targets, sampleWeights, labelSmoothing }: CrossEntropyOptions): tf.Scalar {
  const classes = logits.shape[1];
  const smoothed = targets.mul(1 - labelSmoothing).add<tf.Tensor2D>(labelSmoothing / classes);
  const weights = sampleWeights.expandDims<tf.Tensor2D>(1);
  return tf.customGrad((...args) => {
    const [input, save] = args as unknown as [tf.Tensor2D, tf.GradSaveFunc];
    const logProbabilities = isCapturing()
      ? runKernel('LogSoftmax', { logits: input }, { axis: 1 })[0]!
      : tf.logSoftmax(input);
    save([logProbabilities, smoothed, weights]);
    return {
      value: logProbabilities.mul(smoothed).mul(weights).sum().neg(),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [log, target, weight] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        return log.exp().sub(target).mul(weight).mul(dy);
      },
    };
  })(logits) as tf.Scalar;
}
