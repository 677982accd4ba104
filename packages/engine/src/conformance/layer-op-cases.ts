/**
 * The cases for what tf.layers call: convolutions, pooling, resizing, activations and selections.
 */
import * as tf from '@tensorflow/tfjs';
import { apart, fixed, integers, numbers, opCase, positive, real } from './case-inputs.js';
import type { OpCase } from './op-case.js';

type Images = tf.Tensor4D;

const convolutionCase = (
  name: string,
  images: readonly number[],
  filter: readonly number[],
  strides: number | [number, number],
  pad: 'same' | 'valid' | number,
): OpCase =>
  opCase(`conv2d, ${name}`, [real(...images), real(...filter)], (x, w) =>
    tf.conv2d(x as Images, w as Images, strides, pad),
  );

const depthwiseCase = (
  name: string,
  images: readonly number[],
  filter: readonly number[],
  strides: number | [number, number],
  pad: 'same' | 'valid',
): OpCase =>
  opCase(`depthwiseConv2d, ${name}`, [real(...images), real(...filter)], (x, w) =>
    tf.depthwiseConv2d(x as Images, w as Images, strides, pad),
  );

const CONVOLUTIONS: OpCase[] = [
  convolutionCase('3x3 same', [2, 4, 5, 2], [3, 3, 2, 3], 1, 'same'),
  convolutionCase('3x2 valid', [1, 5, 4, 2], [3, 2, 2, 2], 1, 'valid'),
  convolutionCase('3x3 same, stride 2, even size', [1, 4, 6, 1], [3, 3, 1, 2], 2, 'same'),
  convolutionCase('3x3 same, stride 2, odd size', [1, 5, 7, 1], [3, 3, 1, 2], 2, 'same'),
  convolutionCase('2x2 valid, strides 2 and 3, rows left over', [1, 5, 7, 2], [2, 2, 2, 1], [2, 3], 'valid'),
  convolutionCase('1x1', [2, 2, 3, 2], [1, 1, 2, 3], 1, 'same'),
  convolutionCase('1x1, stride 2', [1, 3, 4, 2], [1, 1, 2, 2], 2, 'valid'),
  convolutionCase('3x3 with a border of 1', [1, 3, 4, 1], [3, 3, 1, 2], 1, 1),
  opCase('conv2d, 3x3 same, dilation 2', [real(1, 5, 6, 2), real(3, 3, 2, 2)], (x, w) =>
    tf.conv2d(x as Images, w as Images, 1, 'same', 'NHWC', 2),
  ),
  opCase(
    'conv1d, causal width 3',
    [real(2, 6, 2), real(3, 2, 2)],
    (x, w) =>
    tf.conv1d(tf.pad(x as tf.Tensor3D, [[0, 0], [2, 0], [0, 0]]), w as tf.Tensor3D, 1, 'valid'), // prettier-ignore
  ),
  opCase('conv2dTranspose, stride 2 same', [real(1, 2, 3, 2), real(3, 3, 2, 2)], (x, w) =>
    tf.conv2dTranspose(x as Images, w as Images, [1, 4, 6, 2], 2, 'same'),
  ),
  opCase('conv2dTranspose, stride 1 valid', [real(1, 3, 2, 1), real(2, 3, 2, 1)], (x, w) =>
    tf.conv2dTranspose(x as Images, w as Images, [1, 4, 4, 2], 1, 'valid'),
  ),
  depthwiseCase('3x3 same', [2, 4, 5, 3], [3, 3, 3, 1], 1, 'same'),
  depthwiseCase('3x3 same, stride 2, multiplier 2', [1, 5, 6, 2], [3, 3, 2, 2], 2, 'same'),
  depthwiseCase('2x3 valid', [1, 4, 5, 2], [2, 3, 2, 1], 1, 'valid'),
  opCase('depthwiseConv2d, dilation 2', [real(1, 6, 5, 2), real(3, 2, 2, 1)], (x, w) =>
    tf.depthwiseConv2d(x as Images, w as Images, 1, 'valid', 'NHWC', 2),
  ),
  opCase('separableConv2d', [real(1, 4, 4, 2), real(3, 3, 2, 2), real(1, 1, 4, 3)], (x, depthwise, pointwise) =>
    tf.separableConv2d(x as Images, depthwise as Images, pointwise as Images, 1, 'same'),
  ),
];

const POOLING: OpCase[] = [
  opCase('maxPool, 2x2', [apart(2, 4, 4, 2)], (x) => tf.maxPool(x as Images, 2, 2, 'valid')),
  opCase('maxPool, 3x3 same, stride 2, odd size', [apart(1, 5, 5, 2)], (x) => tf.maxPool(x as Images, 3, 2, 'same')),
  opCase('maxPool, 3x2 valid, stride 1', [apart(1, 4, 4, 1)], (x) => tf.maxPool(x as Images, [3, 2], 1, 'valid')),
  opCase('maxPool, 1x1, stride 2', [apart(1, 3, 4, 2)], (x) => tf.maxPool(x as Images, 1, 2, 'valid')),
  opCase('avgPool, 2x2', [real(2, 4, 4, 2)], (x) => tf.avgPool(x as Images, 2, 2, 'valid')),
  opCase('avgPool, 3x3 same, stride 2, odd size', [real(1, 5, 5, 2)], (x) => tf.avgPool(x as Images, 3, 2, 'same')),
  opCase('avgPool, 2x3 valid, stride 1', [real(1, 4, 4, 1)], (x) => tf.avgPool(x as Images, [2, 3], 1, 'valid')),
];

const RESIZING: OpCase[] = [
  opCase('resizeNearestNeighbor, 2 times', [real(1, 2, 3, 2)], (x) =>
    tf.image.resizeNearestNeighbor(x as Images, [4, 6]),
  ),
  opCase('resizeNearestNeighbor, 2 and 3 times', [real(1, 5, 6, 1)], (x) =>
    tf.image.resizeNearestNeighbor(x as Images, [10, 18]),
  ),
  opCase('resizeNearestNeighbor, smaller, corners aligned', [real(1, 5, 4, 1)], (x) =>
    tf.image.resizeNearestNeighbor(x as Images, [3, 3], true),
  ),
  opCase('resizeBilinear, 2 times', [real(1, 2, 3, 2)], (x) => tf.image.resizeBilinear(x as Images, [4, 6])),
  opCase('resizeBilinear, odd size, corners aligned', [real(1, 3, 2, 1)], (x) =>
    tf.image.resizeBilinear(x as Images, [5, 3], true),
  ),
  opCase('resizeBilinear, half-pixel centres', [fixed(real(1, 3, 4, 2))], (x) =>
    tf.image.resizeBilinear(x as Images, [6, 5], false, true),
  ),
];

const ACTIVATIONS: OpCase[] = [
  opCase('relu6', [apart(4, 4)], (x) => x.mul(5).relu6()),
  opCase('elu', [apart(3, 4)], (x) => x.elu()),
  opCase('selu', [apart(3, 4)], (x) => x.selu()),
  opCase('leakyRelu', [apart(3, 4)], (x) => x.leakyRelu(0.3)),
  opCase('prelu', [apart(3, 4), real(4)], (x, alpha) => x.prelu(alpha)),
  opCase('softplus', [real(3, 4)], (x) => x.softplus()),
  opCase('clipByValue', [apart(3, 4)], (x) => x.clipByValue(-0.4, 0.8)),
  opCase('squaredDifference', [real(3, 4), real(3, 4)], (a, b) => tf.squaredDifference(a, b)),
  opCase('batchNorm by given moments', [real(2, 3), real(3), positive(3), real(3), positive(3)], (...all) => {
    const [x, mean, variance, offset, scale] = all as [tf.Tensor2D, ...tf.Tensor1D[]];
    return tf.batchNorm2d(x, mean!, variance!, offset, scale, 1e-3);
  }),
];

const ACTIVATION_NAMES = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu'] as const;

const FUSED: OpCase[] = [
  ...ACTIVATION_NAMES.map((activation) =>
    opCase(`fused matMul, ${activation}`, [fixed(apart(3, 4)), fixed(real(4, 2)), fixed(real(2))], (a, b, bias) =>
      tf.fused.matMul({ a, b, bias, activation, leakyreluAlpha: 0.1 }),
    ),
  ),
  opCase('fused matMul with its gradient', [real(3, 4), real(4, 2), real(2)], (a, b, bias) =>
    tf.fused.matMul({ a, b, bias, activation: 'sigmoid' }),
  ),
  opCase(
    'fused conv2d, prelu',
    [fixed(real(1, 4, 4, 2)), fixed(real(3, 3, 2, 2)), fixed(real(2)), fixed(real(2))],
    (x, filter, bias, preluActivationWeights) =>
      tf.fused.conv2d({
        x: x as Images,
        filter: filter as Images,
        strides: 1,
        pad: 'same',
        bias,
        activation: 'prelu',
        preluActivationWeights,
      }),
  ),
  opCase(
    'fused depthwiseConv2d, relu',
    [fixed(real(1, 4, 4, 2)), fixed(real(3, 3, 2, 1)), fixed(real(2))],
    (x, filter, bias) =>
      tf.fused.depthwiseConv2d({
        x: x as Images,
        filter: filter as Images,
        strides: 1,
        pad: 'same',
        bias,
        activation: 'relu',
      }),
  ),
];

const SELECTION: OpCase[] = [
  opCase('notEqual', [numbers([4], [1, 2, 3, 4]), numbers([4], [1, 3, 3, 0])], (a, b) =>
    tf.notEqual(a, b).cast('float32'),
  ),
  opCase('logicalAnd and logicalOr', [numbers([4], [1, 2, 3, 4]), numbers([4], [4, 2, 1, 0])], (a, b) =>
    tf
      .logicalAnd(a.greater(1), b.greater(1))
      .cast('float32')
      .mul(2)
      .add(tf.logicalOr(a.greater(3), b.greater(3)).cast('float32')),
  ),
  opCase('mirrorPad, reflect', [real(4, 3)], (x) => tf.mirrorPad(x, [[2, 3], [0, 1]], 'reflect')), // prettier-ignore
  opCase(
    'mirrorPad, symmetric',
    [real(2, 3, 2)],
    (x) => tf.mirrorPad(x, [[0, 0], [3, 1], [1, 2]], 'symmetric'), // prettier-ignore
  ),
  opCase('reverse along two axes', [real(2, 3, 4)], (x) => tf.reverse(x, [0, 2])),
  opCase(
    'oneHot',
    [integers(2, 0, 1), real(3, 3)],
    (indices, x) =>
    tf.oneHot(indices as tf.Tensor1D, 3, 2, -1).cast('float32').mul(x), // prettier-ignore
  ),
];

/** All of them. */
export const LAYER_OP_CASES: readonly OpCase[] = [
  ...CONVOLUTIONS,
  ...POOLING,
  ...RESIZING,
  ...ACTIVATIONS,
  ...FUSED,
  ...SELECTION,
];
