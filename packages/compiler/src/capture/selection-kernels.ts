/**
 * Comparisons, selections by constant indices, and arithmetic that tfjs has as one kernel and a program as several nodes.
 */
import * as tf from '@tensorflow/tfjs';
import type { DType, ValueId } from '../program/program.js';
import { attributesOf, type KernelCall, type KernelTable } from './kernel-call.js';
import { NodeMaker } from './node-maker.js';

const makerOf = (call: KernelCall): NodeMaker => new NodeMaker(call.builder);

/** Booleans as 0 and 1: onnxruntime's WebGPU has no arithmetic on booleans. */
function truths(make: NodeMaker, call: KernelCall): [ValueId, ValueId] {
  return [make.cast(call.input('a'), 'float32'), make.cast(call.input('b'), 'float32')];
}

export const selectionKernels = {
  NotEqual(call) {
    const make = makerOf(call);
    const isEqual = make.cast(make.binary('equal', call.input('a'), call.input('b')), 'float32');
    return make.binary('equal', isEqual, make.scalar(0));
  },
  LogicalAnd(call) {
    const make = makerOf(call);
    const [a, b] = truths(make, call);
    return make.binary('greater', make.mul(a, b), make.scalar(0));
  },
  LogicalOr(call) {
    const make = makerOf(call);
    const [a, b] = truths(make, call);
    return make.binary('greater', make.add(a, b), make.scalar(0));
  },
  SquaredDifference(call) {
    const make = makerOf(call);
    const difference = make.binary('sub', call.input('a'), call.input('b'));
    return make.mul(difference, difference);
  },
  Reverse(call) {
    const make = makerOf(call);
    const x = call.input('x');
    const shape = [...make.shapeOf(x)];
    const axes = tf.util.parseAxisParam(attributesOf<{ dims: number | number[] }>(call).dims, shape);
    return axes.reduce((reversed, axis) => {
      const size = shape[axis]!;
      return make.gather(
        reversed,
        axis,
        Array.from({ length: size }, (_, i) => size - 1 - i),
      );
    }, x);
  },
  MirrorPad(call) {
    const make = makerOf(call);
    const x = call.input('x');
    const { paddings, mode } = attributesOf<{ paddings: [number, number][]; mode: 'reflect' | 'symmetric' }>(call);
    const skipped = mode === 'reflect' ? 1 : 0;
    return paddings.reduce((padded, [before, after], axis) => {
      if (before === 0 && after === 0) return padded;
      const size = make.shapeOf(padded)[axis]!;
      const indices = Array.from({ length: before + size + after }, (_, at) => {
        const place = at - before;
        return place < 0 ? skipped - 1 - place : place < size ? place : 2 * size - 1 - skipped - place;
      });
      return make.gather(padded, axis, indices);
    }, x);
  },
  OneHot(call) {
    const make = makerOf(call);
    const indices = call.input('indices');
    const attributes = attributesOf<{ depth: number; onValue: number; offValue: number; dtype?: DType }>(call);
    const classes = make.constant(
      [attributes.depth],
      Int32Array.from({ length: attributes.depth }, (_, i) => i),
    );
    const column = make.reshape(indices, [...make.shapeOf(indices), 1]);
    const isClass = make.binary('equal', column, classes);
    const values = make.select(isClass, make.scalar(attributes.onValue), make.scalar(attributes.offValue));
    const dtype = attributes.dtype ?? 'int32';
    return dtype === 'float32' ? values : make.cast(values, dtype);
  },
  FusedBatchNorm(call) {
    // (x - mean) / sqrt(variance + epsilon) * scale + offset; tfjs's layer normalisation calls it.
    const make = makerOf(call);
    const { varianceEpsilon } = attributesOf<{ varianceEpsilon: number }>(call);
    const variance = make.add(call.input('variance'), make.scalar(varianceEpsilon));
    const reciprocalDeviation = make.unary('reciprocal', make.unary('sqrt', variance));
    const normalised = make.mul(make.binary('sub', call.input('x'), call.input('mean')), reciprocalDeviation);
    const scaled = call.hasInput('scale') ? make.mul(normalised, call.input('scale')) : normalised;
    return call.hasInput('offset') ? make.add(scaled, call.input('offset')) : scaled;
  },
} satisfies KernelTable;
