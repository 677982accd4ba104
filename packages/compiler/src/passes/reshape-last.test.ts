import { describe, expect, it } from 'vitest';
import { createProgramBuilder } from '../program/program-builder.js';
import { interpretProgram } from '../program/interpret.js';
import { eliminateDeadNodes } from './dead-nodes.js';
import { reshapeLast } from './reshape-last.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

/** relu(reshape(a b) + c), with c of any shape. */
function productWithBias(bias: readonly number[], to: readonly number[] = [2, 2, 3]) {
  const builder = createProgramBuilder('p');
  const [a, b, c] = [builder.input('a', f32(4, 2)), builder.input('b', f32(2, 3)), builder.input('c', f32(...bias))];
  const product = builder.node({ kind: 'matMul', transposeA: false, transposeB: false }, [a, b], f32(4, 3));
  const reshaped = builder.node({ kind: 'reshape' }, [product], f32(...to));
  const sum = builder.node({ kind: 'add' }, [reshaped, c], f32(...to));
  const y = builder.node({ kind: 'relu' }, [sum], f32(...to));
  return builder.build([{ name: 'y', id: y }]);
}

const kinds = (program: ReturnType<typeof productWithBias>): string[] => program.nodes.map(({ op }) => op.kind);

describe('reshapeLast', () => {
  it('brings a product, its bias and the relu together, and keeps the numbers', () => {
    const program = productWithBias([3]);
    const moved = eliminateDeadNodes(reshapeLast(program));
    expect(kinds(moved)).toEqual(['matMul', 'add', 'relu', 'reshape']);
    const inputs = { a: [1, -2, 3, 4, -5, 6, 7, -8], b: [1, 2, -3, 4, -5, 6], c: [1, -1, 0.5] };
    const y = interpretProgram(moved, inputs)['y'];
    expect(y).toEqual(interpretProgram(program, inputs)['y']);
    expect(moved.values[moved.outputs[0]!.id]).toEqual(f32(2, 2, 3));
  });

  it('leaves alone what is added to more than the last axis, or across it', () => {
    for (const program of [productWithBias([2, 2, 3]), productWithBias([1]), productWithBias([2], [2, 3, 2])]) {
      expect(kinds(eliminateDeadNodes(reshapeLast(program)))).toEqual(['matMul', 'reshape', 'add', 'relu']);
    }
  });
});
