import { expect, it } from 'vitest';
import { programLines } from './print-program.js';
import { createProgramBuilder } from './program-builder.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

it('prints a program as one line per input, constant, node and output', () => {
  const builder = createProgramBuilder('demo');
  const x = builder.input('x', f32(2, 3));
  const half = builder.constant(f32(), { kind: 'fill', value: 0.5 });
  const table = builder.constant(f32(3, 2), { kind: 'dense', values: Float32Array.of(1, 2, 3, 4, 5, 6) });
  const scaled = builder.node({ kind: 'mul' }, [x, half], f32(2, 3));
  const product = builder.node({ kind: 'matMul', transposeA: false, transposeB: false }, [scaled, table], f32(2, 2));
  const sums = builder.node({ kind: 'reduceSum', axes: [1], keepDims: true }, [product], f32(2, 1));
  expect(programLines(builder.build([{ name: 'sums', id: sums }]))).toEqual([
    'program demo',
    '  input %0 f32[2,3] = x',
    '  const %1 f32[] = 0.5',
    '  const %2 f32[3,2] = {1, 2, 3, 4, ...}',
    '  %3 f32[2,3] = mul(%0, %1)',
    '  %4 f32[2,2] = matMul(%3, %2)',
    '  %5 f32[2,1] = reduceSum(%4) axes=[1] keepDims=true',
    '  output sums = %5',
  ]);
});
