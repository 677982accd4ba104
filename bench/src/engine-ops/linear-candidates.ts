/**
 * Ways to compute x W + b and its gradient. The first candidate of every operation is what the engine does now.
 */
import { defineOperation, type Operation } from './operation.js';

/** Operations on x [rows, in] and a weight [in, out]. */
export function linearOperations({ rows, from, to }: { rows: number; from: number; to: number }): Operation[] {
  const shape = `[${rows}, ${from}] x [${from}, ${to}]`;
  return [
    defineOperation({
      op: 'linear',
      shape,
      inputs: { x: [rows, from], w: [from, to], b: [to] },
      outputs: { y: [rows, to] },
      candidates: {
        'MatMul, Add': (g, { x, w, b }) => ({ y: g.op('Add', [g.op('MatMul', [x, w]), b]) }),
        Gemm: (g, { x, w, b }) => ({ y: g.op('Gemm', [x, w, b]) }),
        'FusedMatMul, Add': (g, { x, w, b }) => ({ y: g.op('Add', [g.microsoft('FusedMatMul', [x, w]), b]) }),
        'Gemm, weight stored transposed': (g, { x, w, b }) => ({
          y: g.op('Gemm', [x, g.op('Transpose', [w], { perm: [1, 0] }), b], { transB: 1 }),
        }),
      },
    }),
    defineOperation({
      op: 'linear + GELU, forward only',
      shape,
      inputs: { x: [rows, from], w: [from, to], b: [to] },
      outputs: { y: [rows, to] },
      candidates: {
        'MatMul, Add, Gelu': (g, { x, w, b }) => ({
          y: g.op('Gelu', [g.op('Add', [g.op('MatMul', [x, w]), b])]),
        }),
        'MatMul, BiasGelu': (g, { x, w, b }) => ({ y: g.microsoft('BiasGelu', [g.op('MatMul', [x, w]), b]) }),
        'MatMul, FastGelu with bias': (g, { x, w, b }) => ({
          y: g.microsoft('FastGelu', [g.op('MatMul', [x, w]), b]),
        }),
      },
    }),
    defineOperation({
      op: 'linear, input gradient',
      shape,
      inputs: { dy: [rows, to], w: [from, to] },
      outputs: { dx: [rows, from] },
      candidates: {
        'Transpose, MatMul': (g, { dy, w }) => ({
          dx: g.op('MatMul', [dy, g.op('Transpose', [w], { perm: [1, 0] })]),
        }),
        'Gemm transB': (g, { dy, w }) => ({ dx: g.op('Gemm', [dy, w], { transB: 1 }) }),
        'FusedMatMul transB': (g, { dy, w }) => ({ dx: g.microsoft('FusedMatMul', [dy, w], { transB: 1 }) }),
      },
    }),
    defineOperation({
      op: 'linear, weight gradient',
      shape,
      inputs: { dy: [rows, to], x: [rows, from] },
      outputs: { dw: [from, to] },
      candidates: {
        'Transpose, MatMul': (g, { dy, x }) => ({
          dw: g.op('MatMul', [g.op('Transpose', [x], { perm: [1, 0] }), dy]),
        }),
        'Gemm transA': (g, { dy, x }) => ({ dw: g.op('Gemm', [x, dy], { transA: 1 }) }),
        'FusedMatMul transA': (g, { dy, x }) => ({ dw: g.microsoft('FusedMatMul', [x, dy], { transA: 1 }) }),
        'transposed result: Gemm transA of dy, Transpose': (g, { dy, x }) => ({
          dw: g.op('Transpose', [g.op('Gemm', [dy, x], { transA: 1 })], { perm: [1, 0] }),
        }),
      },
    }),
    defineOperation({
      op: 'linear, bias gradient',
      shape: `[${rows}, ${to}]`,
      inputs: { dy: [rows, to] },
      outputs: { db: [to] },
      candidates: {
        'MatMul with a row of ones': (g, { dy }) => ({
          db: g.op('Reshape', [g.op('MatMul', [g.filled(1, [1, rows]), dy]), g.integers([to])]),
        }),
        ReduceSum: (g, { dy }) => ({ db: g.op('ReduceSum', [dy, g.integers([0])], { keepdims: 0 }) }),
        'Gemm with a row of ones': (g, { dy }) => ({
          db: g.op('Reshape', [g.op('Gemm', [g.filled(1, [1, rows]), dy]), g.integers([to])]),
        }),
        'MatMul with a vector of ones': (g, { dy }) => ({ db: g.op('MatMul', [g.filled(1, [rows]), dy]) }),
        'folded by two, then ReduceSum': (g, { dy }) => {
          const halves = g.op('Reshape', [dy, g.integers([2, rows / 2, to])]);
          return { db: g.op('ReduceSum', [halves, g.integers([0, 1])], { keepdims: 0 }) };
        },
      },
    }),
  ];
}
