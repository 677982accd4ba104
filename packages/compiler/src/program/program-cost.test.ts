import { describe, expect, it } from 'vitest';
import { createProgramBuilder } from './program-builder.js';
import { programCost } from './program-cost.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('the cost of a program', () => {
  it('counts two operations for each multiplication of a product, over all batches and either transposition', () => {
    const builder = createProgramBuilder('p');
    const [a, b] = [builder.input('a', f32(5, 4, 2)), builder.input('b', f32(5, 4, 3))];
    const product = builder.node({ kind: 'matMul', transposeA: true, transposeB: false }, [a, b], f32(5, 2, 3));
    expect(programCost(builder.build([{ name: 'y', id: product }])).matMulFlops).toBe(2 * 5 * 2 * 4 * 3);
  });

  it('frees a value after its last reader, and keeps outputs to the end', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(10));
    const first = builder.node({ kind: 'exp' }, [x], f32(10));
    const second = builder.node({ kind: 'exp' }, [first], f32(10));
    const third = builder.node({ kind: 'exp' }, [second], f32(10));
    const { activationBytes, peakActivationBytes } = programCost(
      builder.build([
        { name: 'first', id: first },
        { name: 'third', id: third },
      ]),
    );
    expect(activationBytes).toBe(3 * 40);
    expect(peakActivationBytes).toBe(3 * 40);
    expect(programCost(builder.build([{ name: 'third', id: third }])).peakActivationBytes).toBe(2 * 40);
  });

  it('gives a reshape no memory of its own, and keeps what it shares alive for its readers', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(10));
    const first = builder.node({ kind: 'exp' }, [x], f32(10));
    const view = builder.node({ kind: 'reshape' }, [first], f32(2, 5));
    const other = builder.node({ kind: 'log' }, [x], f32(10));
    const last = builder.node({ kind: 'neg' }, [view], f32(2, 5));
    const program = builder.build([
      { name: 'other', id: other },
      { name: 'last', id: last },
    ]);
    expect(programCost(program)).toEqual({
      matMulFlops: 0,
      activationBytes: 3 * 40,
      peakActivationBytes: 3 * 40,
      constantBytes: 0,
    });
  });

  it('counts a repeated number once and a dense constant in full', () => {
    const builder = createProgramBuilder('p');
    const fill = builder.constant(f32(100), { kind: 'fill', value: 2 });
    const dense = builder.constant(f32(3), { kind: 'dense', values: Float32Array.of(1, 2, 3) });
    const sum = builder.node({ kind: 'reduceSum', axes: [0], keepDims: false }, [fill], f32());
    const y = builder.node({ kind: 'mul' }, [dense, sum], f32(3));
    expect(programCost(builder.build([{ name: 'y', id: y }])).constantBytes).toBe(4 + 12);
  });
});
