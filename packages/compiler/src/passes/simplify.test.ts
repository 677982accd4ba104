import { describe, expect, it } from 'vitest';
import { createProgramBuilder } from '../program/program-builder.js';
import { eliminateDeadNodes } from './dead-nodes.js';
import { simplify } from './simplify.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('simplify', () => {
  it('leaves out additions of zero, products with one, and what keeps every element in its place', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(4));
    const fill = (value: number) => builder.constant(f32(), { kind: 'fill', value });
    let same = builder.node({ kind: 'add' }, [builder.node({ kind: 'mul' }, [x, fill(1)], f32(4)), fill(0)], f32(4));
    same = builder.node({ kind: 'slice', begin: [0] }, [same], f32(4));
    same = builder.node({ kind: 'pad', before: [0], after: [0], value: 0 }, [same], f32(4));
    same = builder.node({ kind: 'concat', axis: 0 }, [same], f32(4));
    const program = eliminateDeadNodes(simplify(builder.build([{ name: 'y', id: same }])));
    expect(program.nodes).toEqual([]);
    expect(program.outputs).toEqual([{ name: 'y', id: x }]);
  });

  it('keeps an addition or a product that broadcasts', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(3));
    const zeros = builder.constant(f32(2, 3), { kind: 'fill', value: 0 });
    const ones = builder.constant(f32(2, 3), { kind: 'fill', value: 1 });
    const sum = builder.node({ kind: 'add' }, [x, zeros], f32(2, 3));
    const product = builder.node({ kind: 'mul' }, [x, ones], f32(2, 3));
    const program = simplify(
      builder.build([
        { name: 'sum', id: sum },
        { name: 'product', id: product },
      ]),
    );
    expect(program.nodes.map(({ op }) => op.kind)).toEqual(['add', 'expand']);
  });
});
