import { describe, expect, it } from 'vitest';
import { interpretProgram } from './interpret.js';
import { createProgramBuilder } from './program-builder.js';
import type { Op, Program, ValueType } from './program.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const int32 = (...shape: number[]) => ({ shape, dtype: 'int32' as const });

/** The results of one node on one or more arrays. */
function runNode(op: Op, operands: readonly (readonly [ValueType, readonly number[]])[], ...types: ValueType[]) {
  const builder = createProgramBuilder('p');
  const ids = operands.map(([type], i) => builder.input(`x${i}`, type));
  const results = builder.nodeWithResults(op, ids, types);
  const program = builder.build(results.map((id, i) => ({ name: `y${i}`, id })));
  const inputs = Object.fromEntries(operands.map(([, values], i) => [`x${i}`, values]));
  return Object.values(interpretProgram(program, inputs)).map((values) => [...values]);
}

const matrix = [f32(2, 3), [1, 2, 3, 4, 5, 6]] as const;

/** Every case in this table can be checked by hand. */
const CASES: readonly (readonly [string, Op, Parameters<typeof runNode>[1], ValueType, readonly number[]])[] = [
  ['broadcasts', { kind: 'sub' }, [matrix, [f32(2, 1), [1, 4]]], f32(2, 3), [0, 1, 2, 0, 1, 2]],
  ['compares', { kind: 'greater' }, [matrix, [f32(), [3]]], { shape: [2, 3], dtype: 'bool' }, [0, 0, 0, 1, 1, 1]],
  ['sums', { kind: 'reduceSum', axes: [0], keepDims: false }, [matrix], f32(3), [5, 7, 9]],
  ['means', { kind: 'reduceMean', axes: [1], keepDims: true }, [matrix], f32(2, 1), [2, 5]],
  ['finds the largest', { kind: 'reduceMax', axes: [0, 1], keepDims: false }, [matrix], f32(), [6]],
  ['transposes', { kind: 'transpose', permutation: [1, 0] }, [matrix], f32(3, 2), [1, 4, 2, 5, 3, 6]],
  ['slices', { kind: 'slice', begin: [0, 1] }, [matrix], f32(2, 2), [2, 3, 5, 6]],
  ['slices in strides', { kind: 'slice', begin: [0, 0], stride: [1, 2] }, [matrix], f32(2, 2), [1, 3, 4, 6]],
  ['concatenates', { kind: 'concat', axis: 1 }, [matrix, [f32(2, 1), [7, 8]]], f32(2, 4), [1, 2, 3, 7, 4, 5, 6, 8]],
  [
    'pads',
    { kind: 'pad', before: [1, 0], after: [0, 1], value: 9 },
    [matrix],
    f32(3, 4),
    [9, 9, 9, 9, 1, 2, 3, 9, 4, 5, 6, 9],
  ],
  ['gathers', { kind: 'gather', axis: 1 }, [matrix, [int32(2), [2, 0]]], f32(2, 2), [3, 1, 6, 4]],
  ['expands', { kind: 'expand' }, [[f32(2, 1), [1, 2]]], f32(2, 2), [1, 1, 2, 2]],
  [
    'selects',
    { kind: 'select' },
    [
      [f32(3), [1, 0, 1]],
      [f32(3), [1, 2, 3]],
      [f32(), [9]],
    ],
    f32(3),
    [1, 9, 3],
  ],
  ['finds the first largest', { kind: 'argMax', axis: 0 }, [[f32(2, 2), [1, 5, 1, 6]]], int32(2), [0, 1]],
  ['casts towards zero', { kind: 'cast' }, [[f32(3), [1.9, -1.9, 0.5]]], int32(3), [1, -1, 0]],
  [
    'multiplies matrices',
    { kind: 'matMul', transposeA: true, transposeB: false },
    [matrix, [f32(2, 1), [1, 10]]],
    f32(3, 1),
    [41, 52, 63],
  ],
  [
    'multiplies batches that broadcast',
    { kind: 'matMul', transposeA: false, transposeB: true },
    [
      [f32(2, 1, 2), [1, 0, 0, 1]],
      [f32(1, 1, 2), [3, 4]],
    ],
    f32(2, 1, 1),
    [3, 4],
  ],
];

describe('the interpreter', () => {
  it.each(CASES)('%s', (_name, op, operands, type, expected) => {
    expect(runNode(op, operands, type)).toEqual([expected]);
  });

  it('normalises rows and returns their mean and reciprocal deviation', () => {
    const row = [f32(1, 2), [1, 3]] as const;
    const results = runNode(
      { kind: 'layerNorm', epsilon: 3 },
      [row, [f32(2), [2, 4]], [f32(2), [0, 1]]],
      f32(1, 2),
      f32(1, 1),
      f32(1, 1),
    );
    expect(results).toEqual([[-1, 3], [2], [0.5]]);
  });

  it('gives a softmax that sums to one and does not overflow', () => {
    const [probabilities] = runNode({ kind: 'softmax' }, [[f32(1, 2), [1000, 1000]]], f32(1, 2));
    expect(probabilities).toEqual([expect.closeTo(0.5, 12), expect.closeTo(0.5, 12)]);
  });

  it('computes in float64 unless it is asked to round', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32());
    const program = builder.build([{ name: 'y', id: builder.node({ kind: 'reciprocal' }, [x], f32()) }]);
    expect(interpretProgram(program, { x: [3] }).y).toEqual(Float64Array.of(1 / 3));
    expect(interpretProgram(program, { x: [3] }, 'float32').y).toEqual(Float64Array.of(Math.fround(1 / 3)));
  });

  it('says what is wrong with an input, an index, a coarse node and a program', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(2));
    const program = builder.build([{ name: 'y', id: x }]);
    expect(() => interpretProgram(program, {})).toThrow('input x needs 2 numbers [2], got none');
    expect(() =>
      runNode(
        { kind: 'gather', axis: 0 },
        [
          [f32(2), [1, 2]],
          [int32(1), [2]],
        ],
        f32(1),
      ),
    ).toThrow('gather reads row 2 of 2');
    expect(() => runNode({ kind: 'geluGradient' }, [[f32(2), [1, 2]]], f32(2))).toThrow('lower the program');
    expect(() => runNode({ kind: 'neg' }, [[f32(2), [1, 2]]], f32(3))).toThrow(
      'result 0 of neg has 2 elements, its type [3] has 3',
    );
    const unordered: Program = { ...program, nodes: [{ op: { kind: 'neg' }, inputs: [7], outputs: [x] }] };
    expect(() => interpretProgram(unordered, { x: [1, 2] })).toThrow('reads value 7 before it is computed');
  });
});
