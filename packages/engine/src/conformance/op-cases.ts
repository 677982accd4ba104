/**
 * The cases of the conformance suite: every kernel that can be captured, every operation of the model, and the shapes in
 * which they occur. Arguments of operations with a kink keep their distance from it, so that finite differences hold.
 */
import * as tf from '@tensorflow/tfjs';
import { attention, crossEntropy, gelu, layerNorm, linear, softmax, tokenShift, unfold } from '@facet/compiler';
import { apart, fixed, input, integers, numbers, opCase, positive, real } from './case-inputs.js';
import { LAYER_OP_CASES } from './layer-op-cases.js';
import type { OpCase } from './op-case.js';

const UNARY: OpCase[] = [
  opCase('neg', [real(2, 3)], (x) => x.neg()),
  opCase('exp', [real(2, 3)], (x) => x.exp()),
  opCase('log', [positive(2, 3)], (x) => x.log()),
  opCase('sqrt', [positive(2, 3)], (x) => x.sqrt()),
  opCase('rsqrt', [positive(2, 3)], (x) => x.rsqrt()),
  opCase('reciprocal', [positive(2, 3)], (x) => x.reciprocal()),
  opCase('square', [real(2, 3)], (x) => x.square()),
  opCase('abs', [apart(2, 3)], (x) => x.abs()),
  opCase('sign', [apart(2, 3)], (x) => x.sign()),
  opCase('step', [apart(2, 3)], (x) => x.step()),
  opCase('step with a slope below zero', [apart(2, 3)], (x) => x.step(-0.5)),
  opCase('sigmoid', [real(2, 3)], (x) => x.sigmoid()),
  opCase('tanh', [real(2, 3)], (x) => x.tanh()),
  opCase('erf', [real(2, 3)], (x) => x.erf()),
  opCase('relu', [apart(2, 3)], (x) => x.relu()),
  opCase('sin', [real(2, 3)], (x) => x.sin()),
  opCase('cos', [real(2, 3)], (x) => x.cos()),
];

const BINARY: OpCase[] = [
  opCase('add', [real(2, 3), real(2, 3)], (a, b) => a.add(b)),
  opCase('add, a row to a matrix', [real(2, 3), real(3)], (a, b) => a.add(b)),
  opCase('add, a column to a row', [real(2, 1), real(3)], (a, b) => a.add(b)),
  opCase('sub, broadcast', [real(3), real(2, 3)], (a, b) => a.sub(b)),
  opCase('mul, broadcast', [real(2, 3), real(2, 1)], (a, b) => a.mul(b)),
  opCase('mul by a scalar', [real(2, 3), real()], (a, b) => a.mul(b)),
  opCase('div, broadcast', [real(2, 3), positive(3)], (a, b) => a.div(b)),
  opCase('pow of two tensors', [positive(2, 3), real(2, 3)], (a, b) => a.pow(b)),
  opCase('pow with 2, 0.5, 3 and -1', [positive(2, 3)], (x) => tf.addN([x.pow(2), x.pow(0.5), x.pow(3), x.pow(-1)])),
  opCase('maximum', [apart(2, 3), numbers([], [0.2])], (a, b) => tf.maximum(a, b)),
  opCase('maximum of two tensors', [apart(2, 3), numbers([3], [0.2, -0.2, 0])], (a, b) => tf.maximum(b, a)),
  opCase('minimum', [apart(2, 3), numbers([3], [0.2, -0.2, 0])], (a, b) => tf.minimum(a, b)),
  opCase('addN', [real(2, 2), real(2, 2), real(2, 2)], (...terms) => tf.addN(terms)),
];

const COMPARISONS: OpCase[] = (['equal', 'greater', 'greaterEqual', 'less', 'lessEqual'] as const).map((kind) =>
  opCase(kind, [numbers([5], [1, 2, 3, 4, 5]), numbers([5], [3, 2, 1, 4, 6])], (a, b) =>
    tf[kind](a, b).cast('float32'),
  ),
);

const SELECTIONS: OpCase[] = [
  opCase('where', [fixed(apart(2, 3)), real(2, 3), real(2, 3)], (c, a, b) => tf.where(c.greater(0), a, b)),
  opCase('where, broadcast', [fixed(apart(3)), real(2, 3), real()], (c, a, b) => tf.where(c.greater(0), a, b)),
  opCase('argMax', [fixed(apart(3, 4))], (x) => x.argMax(1).cast('float32')),
  opCase('argMax of the first axis', [fixed(apart(3, 4))], (x) => x.argMax(0).cast('float32')),
  opCase('argMax of equal numbers', [numbers([2, 3], [1, 2, 2, 3, 3, 3])], (x) => x.argMax(1).cast('float32')),
  opCase('zerosLike, onesLike and fill', [real(2, 3)], (x) =>
    x.mul(tf.onesLike(x).add(tf.fill([2, 3], 2))).add(tf.zerosLike(x)),
  ),
  opCase('cast there and back', [fixed(real(2, 3))], (x) => x.mul(x.mul(2).cast('int32').cast('float32'))),
];

const REDUCTIONS: OpCase[] = [
  opCase('sum of everything', [real(2, 3)], (x) => x.sum()),
  opCase('sum along an axis', [real(2, 3, 4)], (x) => x.sum(1)),
  opCase('sum along two axes, kept', [real(2, 3, 4)], (x) => x.sum([0, 2], true)),
  opCase('mean', [real(2, 3, 4)], (x) => x.mean(-1)),
  opCase('mean along the first axis, kept', [real(2, 3)], (x) => x.mean(0, true)),
  opCase('max', [apart(3, 4)], (x) => x.max(1)),
  opCase('max along two axes', [apart(2, 3, 2)], (x) => x.max([0, 2])),
];

const product = (transposeA: boolean, transposeB: boolean): OpCase =>
  opCase(
    `matMul${transposeA ? ', a transposed' : ''}${transposeB ? ', b transposed' : ''}`,
    [real(...(transposeA ? [4, 3] : [3, 4])), real(...(transposeB ? [2, 4] : [4, 2]))],
    (a, b) => tf.matMul(a, b, transposeA, transposeB),
  );

const batched = (transposeA: boolean, transposeB: boolean): OpCase =>
  opCase(
    `matMul of batches that broadcast${transposeA ? ', a transposed' : ''}${transposeB ? ', b transposed' : ''}`,
    // tfjs has no gradient of a product whose batches broadcast.
    [fixed(real(2, 1, ...(transposeA ? [4, 3] : [3, 4]))), fixed(real(1, 2, ...(transposeB ? [2, 4] : [4, 2])))],
    (a, b) => tf.matMul(a, b, transposeA, transposeB),
  );

const stacked = (transposeA: boolean, transposeB: boolean): OpCase =>
  opCase(
    `matMul of batches${transposeA ? ', a transposed' : ''}${transposeB ? ', b transposed' : ''}`,
    [real(2, 2, ...(transposeA ? [4, 3] : [3, 4])), real(2, 2, ...(transposeB ? [2, 4] : [4, 2]))],
    (a, b) => tf.matMul(a, b, transposeA, transposeB),
  );

const FLAGS = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

const PRODUCTS: OpCase[] = [
  ...FLAGS.map(([a, b]) => product(a, b)),
  ...FLAGS.map(([a, b]) => stacked(a, b)),
  ...FLAGS.map(([a, b]) => batched(a, b)),
  opCase('matMul of a batch and a matrix', [fixed(real(2, 3, 4)), fixed(real(4, 2))], (a, b) => tf.matMul(a, b)),
  opCase('matMul of transposed operands', [real(4, 3), real(2, 4)], (a, b) =>
    tf.matMul(a.transpose<tf.Tensor2D>(), b.transpose<tf.Tensor2D>()),
  ),
];

const MOVES: OpCase[] = [
  opCase('reshape', [real(2, 6)], (x) => x.reshape([3, -1]).mul(2)),
  opCase('expandDims', [real(2, 3)], (x) => x.expandDims(1).mul(2)),
  opCase('transpose', [real(2, 3, 4)], (x) => x.transpose([2, 0, 1])),
  opCase('transpose twice', [real(2, 3, 4)], (x) => x.transpose([2, 0, 1]).transpose([1, 2, 0]).mul(2)),
  opCase('slice', [real(3, 4)], (x) => x.slice([1, 1], [2, -1])),
  opCase('slice along one axis', [real(3, 4)], (x) => x.slice([0, 1], [3, 2])),
  opCase('slice of everything', [real(3, 4)], (x) => x.slice([0, 0]).mul(2)),
  opCase('concat', [real(2, 1), real(2, 3)], (a, b) => tf.concat([a, b], 1)),
  opCase('concat of one tensor with itself', [real(2, 3)], (x) => tf.concat([x, x, x], 0)),
  opCase('stack', [real(2, 3), real(2, 3)], (a, b) => tf.stack([a, b], 1)),
  opCase('unstack', [real(3, 2)], (x) => {
    const [a, b, c] = tf.unstack(x) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return a.mul(b).add(c);
  }),
  opCase('pad', [real(2, 3)], (x) =>
    tf.pad(
      x,
      [
        [1, 0],
        [0, 2],
      ],
      1.5,
    ),
  ),
  opCase('gather', [real(4, 2), integers(2, 0, 2)], (x, indices) => tf.gather(x, indices)),
  opCase('gather along the second axis', [real(2, 4, 2), integers(3, 1)], (x, indices) => tf.gather(x, indices, 1)),
  opCase('split', [real(3, 5)], (x) => {
    const [a, b] = tf.split(x, [2, 3], 1) as [tf.Tensor, tf.Tensor];
    return tf.concat([b, a.mul(2)], 1);
  }),
  opCase('tile', [real(2, 3)], (x) => tf.tile(x, [2, 3])),
  opCase('broadcastTo', [real(2, 1)], (x) => tf.broadcastTo(x, [3, 2, 4])),
];

const TARGETS = [0, 0, 1, 0, 1, 0, 0, 0, 0, 0.25, 0.25, 0.5];

const crossEntropyCase = (name: string, labelSmoothing: number): OpCase =>
  opCase(name, [real(3, 4), numbers([3, 4], TARGETS), numbers([3], [1, 0, 1])], (logits, targets, sampleWeights) =>
    crossEntropy({ logits: logits as tf.Tensor2D, targets: targets as tf.Tensor2D, labelSmoothing })
      .mul(sampleWeights)
      .sum(),
  );

const MODEL_OPS: OpCase[] = [
  opCase('layerNorm', [real(3, 5), positive(5), real(5)], (x, gain, bias) =>
    layerNorm(x as tf.Tensor2D, gain as tf.Tensor1D, bias as tf.Tensor1D),
  ),
  opCase('gelu', [real(3, 4)], (x) => gelu(x)),
  opCase('gelu of large numbers', [input([8], (i) => (i - 3.5) * 2)], (x) => gelu(x)),
  opCase('linear', [real(3, 4), real(4, 2), real(2)], (x, weight, bias) =>
    linear(x as tf.Tensor2D, weight as tf.Tensor2D, bias as tf.Tensor1D),
  ),
  opCase('attention', [real(2, 2, 3, 4), real(2, 2, 5, 4), real(2, 2, 5, 4)], (query, key, value) =>
    attention({ query: query as tf.Tensor4D, key: key as tf.Tensor4D, value: value as tf.Tensor4D }),
  ),
  opCase('softmax', [real(2, 2, 3)], (x) => softmax(x)),
  opCase('tfjs softmax', [real(2, 3)], (x) => tf.softmax(x)),
  opCase('tfjs logSoftmax', [real(2, 3)], (x) => tf.logSoftmax(x)),
  // tfjs's own function is composed of other operations.
  opCase('logSoftmax in one kernel', [fixed(real(2, 3))], (x) =>
    tf.engine().runKernel<tf.Tensor>('LogSoftmax', { logits: x }, { axis: 1 }),
  ),
  opCase('unfold', [real(2, 4, 4, 3)], (x) => unfold(x as tf.Tensor4D, { size: 3, stride: 2 })),
  opCase('tokenShift', [real(2, 3, 3, 16)], (x) => tokenShift(x as tf.Tensor4D)),
  crossEntropyCase('crossEntropy with padding', 0),
  crossEntropyCase('crossEntropy with padding and label smoothing', 0.1),
];

/** All cases; names are unique. */
export const OP_CASES: readonly OpCase[] = [
  ...UNARY,
  ...BINARY,
  ...COMPARISONS,
  ...SELECTIONS,
  ...REDUCTIONS,
  ...PRODUCTS,
  ...MOVES,
  ...MODEL_OPS,
  ...LAYER_OP_CASES,
];
