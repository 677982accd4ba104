import { describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { captureProgram } from '../capture/capture.js';
import { createProgramBuilder } from '../program/program-builder.js';
import { eliminateDeadNodes, optimise, shareCommonNodes, simplify } from './passes.js';
import { countOps } from '../program/program.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('the passes', () => {
  it('drop what no output needs and keep the inputs', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(2));
    builder.input('unused', f32(2));
    const kept = builder.node({ kind: 'exp' }, [x], f32(2));
    builder.node({ kind: 'log' }, [x], f32(2));
    const program = eliminateDeadNodes(builder.build([{ name: 'y', id: kept }]));
    expect(countOps(program)).toEqual([['exp', 1]]);
    expect(program.inputs).toHaveLength(2);
  });

  it('compute the same thing once', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(2));
    const [a, b] = [builder.node({ kind: 'exp' }, [x], f32(2)), builder.node({ kind: 'exp' }, [x], f32(2))];
    const y = builder.node({ kind: 'add' }, [a, b], f32(2));
    const program = shareCommonNodes(builder.build([{ name: 'y', id: y }]));
    expect(program.nodes.at(-1)!.inputs).toEqual([a, a]);
    expect(program.nodes).toHaveLength(2);
  });

  it('merge reshapes, cancel transposes, and read a product through a transpose', () => {
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

  it('leave out additions of zero, products with one, and fold constants', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(4));
    const fill = (value: number) => builder.constant(f32(), { kind: 'fill', value });
    const one = builder.node({ kind: 'mul' }, [fill(0.5), fill(2)], f32());
    const same = builder.node({ kind: 'add' }, [builder.node({ kind: 'mul' }, [x, one], f32(4)), fill(0)], f32(4));
    const program = eliminateDeadNodes(simplify(builder.build([{ name: 'y', id: same }])));
    expect(program.nodes).toEqual([]);
    expect(program.outputs).toEqual([{ name: 'y', id: x }]);
  });

  it('do not change their input', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(2));
    const program = builder.build([{ name: 'y', id: builder.node({ kind: 'reshape' }, [x], f32(2)) }]);
    const before = structuredClone(program);
    optimise(program);
    expect(program).toEqual(before);
  });
});

describe('capture', () => {
  it('names the operation that it does not know and the file to add it to', async () => {
    await expect(
      captureProgram({
        name: 'p',
        inputs: [{ name: 'x', ...f32(4) }],
        build: (inputs) => ({ y: tf.cumsum(inputs.get('x')!) }),
      }),
    ).rejects.toThrow(/tfjs operation Cumsum cannot be captured.*capture-kernels\.ts/);
  });

  it('says that a program is static when a value is read back', async () => {
    await expect(
      captureProgram({
        name: 'p',
        inputs: [{ name: 'x', ...f32(4) }],
        build: (inputs) => ({ y: tf.scalar(inputs.get('x')!.dataSync()[0]!) }),
      }),
    ).rejects.toThrow(/read a tensor back/);
  });

  it('leaves tfjs on the backend that it was on', async () => {
    await tf.setBackend('cpu');
    await captureProgram({
      name: 'p',
      inputs: [{ name: 'x', ...f32(4) }],
      build: (inputs) => ({ y: inputs.get('x')!.square() }),
    });
    expect(tf.getBackend()).toBe('cpu');
    expect((await tf.tensor1d([3]).square().data())[0]).toBe(9);
  });
});
