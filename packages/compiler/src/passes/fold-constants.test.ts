import { describe, expect, it } from 'vitest';
import { createProgramBuilder } from '../program/program-builder.js';
import type { Constant, Program } from '../program/program.js';
import { foldConstants } from './fold-constants.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

const outputConstant = ({ constants, outputs }: Program): Constant | undefined => constants.get(outputs[0]!.id);

describe('foldConstants', () => {
  it('evaluates what depends on constants alone, through several nodes, and rounds to float32', () => {
    const builder = createProgramBuilder('p');
    const third = builder.node(
      { kind: 'div' },
      [
        builder.constant(f32(2), { kind: 'dense', values: Float32Array.of(1, 2) }),
        builder.constant(f32(), { kind: 'fill', value: 3 }),
      ],
      f32(2),
    );
    const y = builder.node({ kind: 'neg' }, [third], f32(2));
    const program = foldConstants(builder.build([{ name: 'y', id: y }]));
    expect(program.nodes).toEqual([]);
    expect(outputConstant(program)).toEqual({ kind: 'dense', values: Float32Array.of(-1 / 3, -2 / 3) });
  });

  it('keeps a fill a fill, of any size, and makes one of equal numbers', () => {
    const builder = createProgramBuilder('p');
    const large = f32(100_000, 100_000);
    const half = builder.constant(large, { kind: 'fill', value: 0.5 });
    const y = builder.node(
      { kind: 'transpose', permutation: [1, 0] },
      [builder.node({ kind: 'mul' }, [half, builder.constant(f32(), { kind: 'fill', value: 4 })], large)],
      large,
    );
    expect(outputConstant(foldConstants(builder.build([{ name: 'y', id: y }])))).toEqual({ kind: 'fill', value: 2 });

    const rows = builder.constant(f32(2, 2), { kind: 'dense', values: Float32Array.of(1, 2, 2, 1) });
    const sum = builder.node({ kind: 'reduceSum', axes: [1], keepDims: false }, [rows], f32(2));
    expect(outputConstant(foldConstants(builder.build([{ name: 'y', id: sum }])))).toEqual({ kind: 'fill', value: 3 });
  });

  it('keeps integers above 2^24 exact', () => {
    const builder = createProgramBuilder('p');
    const int32 = { shape: [], dtype: 'int32' as const };
    const [a, b] = [16_777_216, 1].map((value) => builder.constant(int32, { kind: 'fill', value }));
    const y = builder.node({ kind: 'add' }, [a!, b!], int32);
    expect(outputConstant(foldConstants(builder.build([{ name: 'y', id: y }])))).toEqual({
      kind: 'fill',
      value: 16_777_217,
    });
  });

  it('leaves a node that would make a large array out of small ones', () => {
    const builder = createProgramBuilder('p');
    const column = builder.constant(f32(300, 1), {
      kind: 'dense',
      values: Float32Array.from({ length: 300 }, (_, i) => i),
    });
    const y = builder.node({ kind: 'expand' }, [column], f32(300, 300));
    const program = builder.build([{ name: 'y', id: y }]);
    expect(foldConstants(program)).toEqual(program);
  });

  it('leaves nodes that read an input and coarse nodes', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(2));
    const one = builder.constant(f32(2, 2), { kind: 'fill', value: 1 });
    const bias = builder.constant(f32(2), { kind: 'fill', value: 1 });
    const program = builder.build([
      { name: 'sum', id: builder.node({ kind: 'add' }, [x, bias], f32(2)) },
      { name: 'coarse', id: builder.node({ kind: 'linear' }, [one, one, bias], f32(2, 2)) },
    ]);
    expect(foldConstants(program)).toEqual(program);
  });
});
