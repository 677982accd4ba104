import { describe, expect, it } from 'vitest';
import { createProgramBuilder } from '../program/program-builder.js';
import type { Program } from '../program/program.js';
import { expandNodes } from './expand-nodes.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

/** y = exp(x) + 1 */
function body(): Program {
  const builder = createProgramBuilder('body');
  const x = builder.input('x', f32(2));
  const one = builder.constant(f32(), { kind: 'fill', value: 1 });
  const y = builder.node({ kind: 'add' }, [builder.node({ kind: 'exp' }, [x], f32(2)), one], f32(2));
  return builder.build([{ name: 'y', id: y }]);
}

/** Two nodes to be replaced, one reading the other. */
function program(): Program {
  const builder = createProgramBuilder('p');
  const x = builder.input('x', f32(2));
  const once = builder.node({ kind: 'relu' }, [x], f32(2));
  const twice = builder.node({ kind: 'relu' }, [once], f32(2));
  return builder.build([
    { name: 'once', id: once },
    { name: 'twice', id: twice },
  ]);
}

describe('expanding nodes', () => {
  it('puts a body in the place of every node that has one, each with values of its own', () => {
    const expanded = expandNodes(program(), ({ op }) => (op.kind === 'relu' ? body() : undefined));
    expect(expanded.nodes.map(({ op }) => op.kind)).toEqual(['exp', 'add', 'exp', 'add']);
    const [exp, add, secondExp, secondAdd] = expanded.nodes;
    expect(exp!.inputs).toEqual([expanded.inputs[0]!.id]);
    expect(secondExp!.inputs).toEqual(add!.outputs);
    expect(expanded.outputs.map(({ id }) => id)).toEqual([add!.outputs[0], secondAdd!.outputs[0]]);
    expect(expanded.constants.get(add!.inputs[1]!)).toEqual({ kind: 'fill', value: 1 });
    expect(new Set(expanded.nodes.flatMap(({ outputs }) => outputs)).size).toBe(4);
  });

  it('leaves the other nodes and the program that it was given as they are', () => {
    const original = program();
    const before = structuredClone(original);
    expect(expandNodes(original, () => undefined)).toEqual(before);
    expandNodes(original, body);
    expect(original).toEqual(before);
  });

  it('refuses a body of another type', () => {
    const builder = createProgramBuilder('p');
    const x = builder.input('x', f32(3));
    const wrong = builder.build([{ name: 'y', id: builder.node({ kind: 'relu' }, [x], f32(3)) }]);
    expect(() => expandNodes(wrong, body)).toThrow(
      'the body of relu is float32[2] -> float32[2], expected float32[3] -> float32[3]',
    );
  });
});
