import { describe, expect, it } from 'vitest';
import { createProgramBuilder } from '../program/program-builder.js';
import { shareCommonNodes } from './common-nodes.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('shareCommonNodes', () => {
  it('computes the same thing once', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(2));
    const [a, b] = [builder.node({ kind: 'exp' }, [x], f32(2)), builder.node({ kind: 'exp' }, [x], f32(2))];
    const y = builder.node({ kind: 'add' }, [a, b], f32(2));
    const program = shareCommonNodes(builder.build([{ name: 'y', id: y }]));
    expect(program.nodes.at(-1)!.inputs).toEqual([a, a]);
    expect(program.nodes).toHaveLength(2);
  });

  it('tells infinities, NaN and the two zeros apart, in constants and in attributes', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(1));
    const values = [Infinity, -Infinity, Number.NaN, 0, -0];
    const padded = values.map((value) => builder.node({ kind: 'pad', before: [0], after: [1], value }, [x], f32(2)));
    const sums = values.map((value) =>
      builder.node({ kind: 'div' }, [x, builder.constant(f32(1), { kind: 'fill', value })], f32(1)),
    );
    const program = builder.build([...padded, ...sums].map((id) => ({ name: `y${id}`, id })));
    expect(shareCommonNodes(program)).toEqual(program);
  });
});
