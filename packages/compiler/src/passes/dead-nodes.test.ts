import { describe, expect, it } from 'vitest';
import { createProgramBuilder } from '../program/program-builder.js';
import { countOps } from '../program/program.js';
import { eliminateDeadNodes } from './dead-nodes.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('eliminateDeadNodes', () => {
  it('drops what no output needs and keeps the inputs', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(2));
    builder.input('unused', f32(2));
    builder.constant(f32(2), { kind: 'fill', value: 1 });
    const kept = builder.node({ kind: 'exp' }, [x], f32(2));
    builder.node({ kind: 'log' }, [x], f32(2));
    const program = eliminateDeadNodes(builder.build([{ name: 'y', id: kept }]));
    expect(countOps(program)).toEqual([['exp', 1]]);
    expect(program.inputs).toHaveLength(2);
    expect(program.constants.size).toBe(0);
  });
});
