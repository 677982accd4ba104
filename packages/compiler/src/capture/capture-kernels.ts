/**
 * What each tfjs kernel records while a function is captured. One entry per kernel: it reads the shapes of its inputs,
 * appends the node, and returns the id of the result. Results that change no data (Identity) are the input itself.
 */
import * as tf from '@tensorflow/tfjs';
import { elementCount, type BinaryOp, type DType, type UnaryOp, type ValueId } from '../program/program.js';
import { activationKernels } from './activation-kernels.js';
import { convolutionKernels } from './convolution-kernels.js';
import { fusedKernels } from './fused-kernels.js';
import { attributesOf, type KernelCall, type KernelTable, type RecordKernel } from './kernel-call.js';
import { poolingKernels } from './pooling-kernels.js';
import { resizeKernels } from './resize-kernels.js';
import { selectionKernels } from './selection-kernels.js';

const unary =
  (kind: UnaryOp): RecordKernel =>
  (call) => {
    const x = call.input('x');
    return call.builder.node({ kind }, [x], call.builder.typeOf(x));
  };

const binary =
  (kind: BinaryOp, resultType?: DType): RecordKernel =>
  (call) => {
    const [a, b] = [call.input('a'), call.input('b')];
    const [left, right] = [call.builder.typeOf(a), call.builder.typeOf(b)];
    const shape = tf.backend_util.assertAndGetBroadcastShape([...left.shape], [...right.shape]);
    return call.builder.node({ kind }, [a, b], { shape, dtype: resultType ?? left.dtype });
  };

const reduce =
  (kind: 'reduceSum' | 'reduceMean' | 'reduceMax'): RecordKernel =>
  (call) => {
    const x = call.input('x');
    const { shape, dtype } = call.builder.typeOf(x);
    const { axis, keepDims, reductionIndices } = attributesOf<{
      axis?: number | number[];
      keepDims?: boolean;
      reductionIndices?: number | number[];
    }>(call);
    const axes = tf.util.parseAxisParam(axis ?? reductionIndices ?? shape.map((_, i) => i), [...shape]);
    const kept = shape.map((size, i) => (axes.includes(i) ? 1 : size));
    const result = keepDims === true ? kept : shape.filter((_, i) => !axes.includes(i));
    return call.builder.node({ kind, axes, keepDims: keepDims === true }, [x], { shape: result, dtype });
  };

const fillLike =
  (value: number): RecordKernel =>
  (call) =>
    call.builder.constant(call.builder.typeOf(call.input('x')), { kind: 'fill', value });

/** What tfjs's shape arithmetic reads of a tensor. */
const shapedLike = (shape: readonly number[]): tf.Tensor => ({ shape: [...shape], rank: shape.length }) as tf.Tensor;

/** A scalar constant. */
const fill = (call: KernelCall, dtype: DType, value: number): ValueId =>
  call.builder.constant({ shape: [], dtype }, { kind: 'fill', value });

const basicKernels = {
  Identity: (call) => call.input('x'),
  Neg: unary('neg'),
  Exp: unary('exp'),
  Log: unary('log'),
  Sqrt: unary('sqrt'),
  Reciprocal: unary('reciprocal'),
  Abs: unary('abs'),
  Sign: unary('sign'),
  Sigmoid: unary('sigmoid'),
  Tanh: unary('tanh'),
  Erf: unary('erf'),
  Relu: unary('relu'),
  Sin: unary('sin'),
  Cos: unary('cos'),
  FacetGelu: unary('gelu'),

  Square(call) {
    const x = call.input('x');
    return call.builder.node({ kind: 'mul' }, [x, x], call.builder.typeOf(x));
  },
  Rsqrt(call) {
    const x = call.input('x');
    const type = call.builder.typeOf(x);
    return call.builder.node({ kind: 'reciprocal' }, [call.builder.node({ kind: 'sqrt' }, [x], type)], type);
  },
  Step(call) {
    // 1 where x > 0, alpha elsewhere (-1 in the gradient of abs), and NaN where x is: NaN is the only number unlike itself.
    const x = call.input('x');
    const type = call.builder.typeOf(x);
    const { alpha } = attributesOf<{ alpha: number }>(call);
    const truth = { shape: type.shape, dtype: 'bool' } as const;
    const isPositive = call.builder.node({ kind: 'greater' }, [x, fill(call, type.dtype, 0)], truth);
    const isNumber = call.builder.node({ kind: 'equal' }, [x, x], truth);
    const [high, low] = [fill(call, type.dtype, 1), fill(call, type.dtype, alpha)];
    const step = call.builder.node({ kind: 'select' }, [isPositive, high, low], type);
    return call.builder.node({ kind: 'select' }, [isNumber, step, x], type);
  },

  Add: binary('add'),
  Sub: binary('sub'),
  Multiply: binary('mul'),
  RealDiv: binary('div'),
  Pow: binary('pow'),
  Maximum: binary('maximum'),
  Minimum: binary('minimum'),
  Equal: binary('equal', 'bool'),
  Greater: binary('greater', 'bool'),
  GreaterEqual: binary('greaterEqual', 'bool'),
  Less: binary('less', 'bool'),
  LessEqual: binary('lessEqual', 'bool'),

  LogicalNot(call) {
    const x = call.input('x');
    const type = call.builder.typeOf(x);
    // Compared as numbers: onnxruntime's WebGPU has no comparison of booleans.
    const number = call.builder.node({ kind: 'cast' }, [x], { shape: type.shape, dtype: 'float32' });
    return call.builder.node({ kind: 'equal' }, [number, fill(call, 'float32', 0)], type);
  },

  AddN(call) {
    const [first, ...rest] = call.inputList();
    const type = call.builder.typeOf(first!);
    return rest.reduce((sum, term) => call.builder.node({ kind: 'add' }, [sum, term], type), first!);
  },

  Sum: reduce('reduceSum'),
  Mean: reduce('reduceMean'),
  Max: reduce('reduceMax'),

  ArgMax(call) {
    const x = call.input('x');
    const { shape } = call.builder.typeOf(x);
    const axis = tf.util.parseAxisParam(attributesOf<{ axis: number }>(call).axis, [...shape])[0]!;
    return call.builder.node({ kind: 'argMax', axis }, [x], {
      shape: shape.filter((_, i) => i !== axis),
      dtype: 'int32',
    });
  },

  Softmax(call) {
    const logits = call.input('logits');
    return call.builder.node({ kind: 'softmax' }, [logits], call.builder.typeOf(logits));
  },
  LogSoftmax(call) {
    const logits = call.input('logits');
    return call.builder.node({ kind: 'logSoftmax' }, [logits], call.builder.typeOf(logits));
  },

  BatchMatMul(call) {
    const [a, b] = [call.input('a'), call.input('b')];
    const { transposeA, transposeB } = attributesOf<{ transposeA: boolean; transposeB: boolean }>(call);
    const [left, right] = [call.builder.typeOf(a).shape, call.builder.typeOf(b).shape];
    const batch = tf.backend_util.assertAndGetBroadcastShape(left.slice(0, -2), right.slice(0, -2));
    const rows = transposeA ? left.at(-1)! : left.at(-2)!;
    const columns = transposeB ? right.at(-2)! : right.at(-1)!;
    return call.builder.node({ kind: 'matMul', transposeA, transposeB }, [a, b], {
      shape: [...batch, rows, columns],
      dtype: 'float32',
    });
  },

  Reshape(call) {
    const x = call.input('x');
    const { shape, dtype } = call.builder.typeOf(x);
    const target = tf.util.inferFromImplicitShape(
      attributesOf<{ shape: number[] }>(call).shape,
      tf.util.sizeFromShape([...shape]),
    );
    return call.builder.node({ kind: 'reshape' }, [x], { shape: target, dtype });
  },
  ExpandDims(call) {
    const x = call.input('input');
    const { shape, dtype } = call.builder.typeOf(x);
    const { dim } = attributesOf<{ dim: number }>(call);
    const at = dim < 0 ? shape.length + dim + 1 : dim;
    return call.builder.node({ kind: 'reshape' }, [x], {
      shape: [...shape.slice(0, at), 1, ...shape.slice(at)],
      dtype,
    });
  },
  Transpose(call) {
    const x = call.input('x');
    const { shape, dtype } = call.builder.typeOf(x);
    const permutation = [...attributesOf<{ perm: number[] }>(call).perm];
    return call.builder.node({ kind: 'transpose', permutation }, [x], {
      shape: permutation.map((axis) => shape[axis]!),
      dtype,
    });
  },
  Slice(call) {
    const x = call.input('x');
    const { shape, dtype } = call.builder.typeOf(x);
    const { begin, size } = attributesOf<{ begin: number | number[]; size?: number | number[] }>(call);
    const [begins, sizes] = tf.slice_util.parseSliceParams(shapedLike(shape), begin, size);
    return call.builder.node({ kind: 'slice', begin: begins! }, [x], { shape: sizes!, dtype });
  },
  SplitV(call) {
    const x = call.input('x');
    const { shape, dtype } = call.builder.typeOf(x);
    const { numOrSizeSplits, axis } = attributesOf<{ numOrSizeSplits: number | number[]; axis: number }>(call);
    const at = tf.util.parseAxisParam(axis, [...shape])[0]!;
    let start = 0;
    return tf.backend_util.prepareSplitSize(shapedLike(shape), numOrSizeSplits, at).map((length) => {
      const begin = shape.map((_size, i) => (i === at ? start : 0));
      start += length;
      const part = shape.map((size, i) => (i === at ? length : size));
      return call.builder.node({ kind: 'slice', begin }, [x], { shape: part, dtype });
    });
  },
  Concat(call) {
    const parts = call.inputList();
    const types = parts.map((part) => call.builder.typeOf(part));
    const axis = tf.util.parseAxisParam(attributesOf<{ axis: number }>(call).axis, [...types[0]!.shape])[0]!;
    const length = types.reduce((sum, type) => sum + type.shape[axis]!, 0);
    const shape = types[0]!.shape.map((size, i) => (i === axis ? length : size));
    return call.builder.node({ kind: 'concat', axis }, parts, { shape, dtype: types[0]!.dtype });
  },
  Pack(call) {
    const parts = call.inputList();
    const { shape, dtype } = call.builder.typeOf(parts[0]!);
    const { axis } = attributesOf<{ axis: number }>(call);
    const at = axis < 0 ? shape.length + axis + 1 : axis;
    const single = [...shape.slice(0, at), 1, ...shape.slice(at)];
    const rows = parts.map((part) => call.builder.node({ kind: 'reshape' }, [part], { shape: single, dtype }));
    const packed = single.map((size, i) => (i === at ? parts.length : size));
    return call.builder.node({ kind: 'concat', axis: at }, rows, { shape: packed, dtype });
  },
  Unpack(call) {
    const value = call.input('value');
    const { shape, dtype } = call.builder.typeOf(value);
    const axis = tf.util.parseAxisParam(attributesOf<{ axis: number }>(call).axis, [...shape])[0]!;
    const rest = shape.filter((_, i) => i !== axis);
    return Array.from({ length: shape[axis]! }, (_, index) => {
      const begin = shape.map((_size, i) => (i === axis ? index : 0));
      const single = shape.map((size, i) => (i === axis ? 1 : size));
      return call.builder.node(
        { kind: 'reshape' },
        [call.builder.node({ kind: 'slice', begin }, [value], { shape: single, dtype })],
        {
          shape: rest,
          dtype,
        },
      );
    });
  },
  PadV2(call) {
    const x = call.input('x');
    const { shape, dtype } = call.builder.typeOf(x);
    const { paddings, constantValue } = attributesOf<{ paddings: [number, number][]; constantValue: number }>(call);
    const before = paddings.map((pair) => pair[0]);
    const after = paddings.map((pair) => pair[1]);
    const padded = shape.map((size, i) => size + before[i]! + after[i]!);
    return call.builder.node({ kind: 'pad', before, after, value: constantValue }, [x], { shape: padded, dtype });
  },
  GatherV2(call) {
    const [x, indices] = [call.input('x'), call.input('indices')];
    const { shape, dtype } = call.builder.typeOf(x);
    const axis = tf.util.parseAxisParam(attributesOf<{ axis: number }>(call).axis, [...shape])[0]!;
    const result = [...shape.slice(0, axis), ...call.builder.typeOf(indices).shape, ...shape.slice(axis + 1)];
    return call.builder.node({ kind: 'gather', axis }, [x, indices], { shape: result, dtype });
  },
  UnsortedSegmentSum(call) {
    // The gradient of a gather: a product with one row of zeros and ones per segment. No engine scatters in a fixed order.
    const [x, segmentIds] = [call.input('x'), call.input('segmentIds')];
    const { shape, dtype } = call.builder.typeOf(x);
    const { numSegments } = attributesOf<{ numSegments: number }>(call);
    const rows = shape[0]!;
    const segments = call.builder.constant(
      { shape: [numSegments], dtype: 'int32' },
      { kind: 'dense', values: Int32Array.from({ length: numSegments }, (_, i) => i) },
    );
    const column = call.builder.node({ kind: 'reshape' }, [segmentIds], { shape: [rows, 1], dtype: 'int32' });
    const isMember = call.builder.node({ kind: 'equal' }, [column, segments], {
      shape: [rows, numSegments],
      dtype: 'bool',
    });
    const members = call.builder.node({ kind: 'cast' }, [isMember], { shape: [rows, numSegments], dtype });
    const width = elementCount(shape.slice(1));
    const flat = call.builder.node({ kind: 'reshape' }, [x], { shape: [rows, width], dtype });
    const sums = call.builder.node({ kind: 'matMul', transposeA: true, transposeB: false }, [members, flat], {
      shape: [numSegments, width],
      dtype,
    });
    return call.builder.node({ kind: 'reshape' }, [sums], { shape: [numSegments, ...shape.slice(1)], dtype });
  },
  Tile(call) {
    // Every axis becomes two, repetition and size; the first is expanded.
    const x = call.input('x');
    const { shape, dtype } = call.builder.typeOf(x);
    const { reps } = attributesOf<{ reps: number[] }>(call);
    const split = call.builder.node({ kind: 'reshape' }, [x], { shape: shape.flatMap((size) => [1, size]), dtype });
    const repeated = call.builder.node({ kind: 'expand' }, [split], {
      shape: shape.flatMap((size, i) => [reps[i]!, size]),
      dtype,
    });
    return call.builder.node({ kind: 'reshape' }, [repeated], {
      shape: shape.map((size, i) => size * reps[i]!),
      dtype,
    });
  },
  Cast(call) {
    const x = call.input('x');
    const { shape, dtype } = call.builder.typeOf(x);
    const target = attributesOf<{ dtype: DType }>(call).dtype;
    return target === dtype ? x : call.builder.node({ kind: 'cast' }, [x], { shape, dtype: target });
  },
  Select(call) {
    const [condition, t, e] = [call.input('condition'), call.input('t'), call.input('e')];
    return call.builder.node({ kind: 'select' }, [condition, t, e], call.builder.typeOf(t));
  },

  Fill(call) {
    const { shape, value, dtype } = attributesOf<{ shape: number[]; value: number; dtype?: DType }>(call);
    return call.builder.constant({ shape, dtype: dtype ?? 'float32' }, { kind: 'fill', value });
  },
  ZerosLike: fillLike(0),
  OnesLike: fillLike(1),

  FacetLayerNorm(call) {
    const [x, gain, bias] = [call.input('x'), call.input('gain'), call.input('bias')];
    const type = call.builder.typeOf(x);
    const moments = { shape: [...type.shape.slice(0, -1), 1], dtype: type.dtype };
    const { epsilon } = attributesOf<{ epsilon: number }>(call);
    return call.builder.nodeWithResults({ kind: 'layerNorm', epsilon }, [x, gain, bias], [type, moments, moments]);
  },
} satisfies KernelTable;

/** tfjs kernel name -> recorder. A kernel that is not here is reported by its name when it is called. */
export const captureKernels: KernelTable = {
  ...basicKernels,
  ...activationKernels,
  ...selectionKernels,
  ...convolutionKernels,
  ...poolingKernels,
  ...resizeKernels,
  ...fusedKernels((call) => basicKernels.BatchMatMul(call)),
};
