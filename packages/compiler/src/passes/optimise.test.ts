import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultsOf, randomProgram } from '../../test/random-program.js';
import { interpretProgram } from '../program/interpret.js';
import { createProgramBuilder } from '../program/program-builder.js';
import { PRIMITIVE_KINDS } from '../program/interpret-node.js';
import type { OpKind, Program } from '../program/program.js';
import { shareCommonNodes } from './common-nodes.js';
import { eliminateDeadNodes } from './dead-nodes.js';
import { foldConstants } from './fold-constants.js';
import { optimise } from './optimise.js';
import type { Pass } from './pass.js';
import { simplify } from './simplify.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

const PASSES: readonly [string, Pass][] = [
  ['eliminateDeadNodes', eliminateDeadNodes],
  ['shareCommonNodes', shareCommonNodes],
  ['simplify', simplify],
  ['foldConstants', foldConstants],
  ['optimise', optimise],
];

/** Equal numbers, with NaN equal to itself and -0 to 0. */
function expectSameNumbers(actual: Record<string, Float64Array>, expected: Record<string, Float64Array>): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, numbers] of Object.entries(expected)) {
    const positive = (values: Float64Array): number[] => [...values].map((value) => value + 0);
    expect(positive(actual[name]!), name).toEqual(positive(numbers));
  }
}

describe.each(PASSES)('%s', (_name, pass) => {
  it('keeps the meaning of a program, to the last bit of a float32', () => {
    fc.assert(
      fc.property(randomProgram(), ({ program, inputs }) => {
        const rewritten = pass(program);
        const expected = interpretProgram(program, inputs, 'float32');
        expectSameNumbers(interpretProgram(rewritten, inputs, 'float32'), expected);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps ids valid, the types of outputs and its input as it was', () => {
    fc.assert(
      fc.property(randomProgram(), ({ program }) => {
        const before = structuredClone(program);
        const rewritten = pass(program);
        expect(program).toEqual(before);
        expect(faultsOf(rewritten)).toEqual([]);
        expect(rewritten.inputs).toEqual(program.inputs);
        const signature = ({ outputs, values }: Program) => outputs.map(({ name, id }) => [name, values[id]]);
        expect(signature(rewritten)).toEqual(signature(program));
      }),
      { numRuns: 150 },
    );
  });

  it('changes nothing in an optimised program', () => {
    fc.assert(
      fc.property(randomProgram(), ({ program }) => {
        const settled = optimise(program);
        expect(pass(settled)).toEqual(settled);
      }),
      { numRuns: 150 },
    );
  });
});

describe('random programs', () => {
  it('hold every kind of node', () => {
    const kinds = new Set<OpKind>();
    const programs = fc.sample(randomProgram(60), { numRuns: 300, seed: 1 });
    for (const { program } of programs) for (const { op } of program.nodes) kinds.add(op.kind);
    expect([...kinds].sort()).toEqual([...PRIMITIVE_KINDS].sort());
  });
});

describe('optimise', () => {
  it('merges reshapes, cancels transposes, and reads a product through a transpose', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(2, 3));
    const flat = builder.node({ kind: 'reshape' }, [x], f32(6));
    const back = builder.node({ kind: 'reshape' }, [flat], f32(2, 3));
    const once = builder.node({ kind: 'transpose', permutation: [1, 0] }, [back], f32(3, 2));
    const product = builder.node({ kind: 'matMul', transposeA: false, transposeB: false }, [once, back], f32(3, 3));
    const program = optimise(builder.build([{ name: 'y', id: product }]));
    expect(program.nodes).toEqual([
      { op: { kind: 'matMul', transposeA: true, transposeB: false }, inputs: [x, x], outputs: [product] },
    ]);
  });

  it('goes on as long as anything changes, also when no node goes away', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(2, 3));
    const wide = builder.node({ kind: 'reshape' }, [x], f32(2, 3, 1));
    // The first turn makes this a reshape, and only the second sees that both reshapes cancel.
    const sum = builder.node({ kind: 'reduceSum', axes: [2], keepDims: false }, [wide], f32(2, 3));
    const program = optimise(builder.build([{ name: 'y', id: sum }]));
    expect(program.nodes).toEqual([]);
    expect(program.outputs).toEqual([{ name: 'y', id: x }]);
  });
});
