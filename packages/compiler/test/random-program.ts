/**
 * Random valid programs for property tests. A program is drawn as a list of plain recipes, each of which appends one node to
 * the values that are there, or nothing where it does not apply; so whatever fast-check shrinks stays valid. Divisors, bases
 * and arguments of logarithms are positive, so that the sign of a zero, which the passes do not keep, never matters.
 */
import fc from 'fast-check';
import type { NumbersByName } from '../src/program/interpret.js';
import { createProgramBuilder, type ProgramBuilder } from '../src/program/program-builder.js';
import {
  elementCount,
  type BinaryOp,
  type Constant,
  type Program,
  type UnaryOp,
  type ValueId,
  type ValueType,
} from '../src/program/program.js';

export interface RandomProgram {
  readonly program: Program;
  readonly inputs: NumbersByName;
}

/** What one node is made from: numbers that pick the operation, its operands and its attributes. */
type Recipe = readonly [operation: number, first: number, second: number, detail: number];

interface Pool {
  readonly builder: ProgramBuilder;
  readonly ids: ValueId[];
  /** Values that are never below zero. */
  readonly positive: Set<ValueId>;
}

const INPUTS: Readonly<Record<string, readonly number[]>> = {
  scalar: [],
  vector: [3],
  matrix: [2, 3],
  square: [3, 3],
  column: [2, 1],
  cube: [2, 2, 3],
};
const CONSTANT_SHAPES = [[], [3], [2, 3], [1], [2, 1], [3, 3]];
const CONSTANT_VALUES = [0, 1, 2, 0.5, -1, 3];
const MAX_ELEMENTS = 64;

/** Programs of up to `nodes` nodes over a few small inputs and constants, with numbers to run them on. */
export function randomProgram(nodes = 30): fc.Arbitrary<RandomProgram> {
  const pick = fc.nat({ max: 1000 });
  return fc
    .record({
      recipes: fc.array(fc.tuple(pick, pick, pick, pick), { minLength: 1, maxLength: nodes }),
      numbers: fc.array(fc.integer({ min: -16, max: 16 }), { minLength: 16, maxLength: 16 }),
      outputs: fc.integer({ min: 1, max: 8 }),
    })
    .map(({ recipes, numbers, outputs }) => {
      const builder = createProgramBuilder('random');
      const pool: Pool = { builder, ids: [], positive: new Set() };
      const inputs: Record<string, number[]> = {};
      for (const [name, shape] of Object.entries(INPUTS)) {
        pool.ids.push(builder.input(name, { shape, dtype: 'float32' }));
        inputs[name] = Array.from({ length: elementCount(shape) }, (_, i) => numbers[i]! / 8);
      }
      for (const shape of CONSTANT_SHAPES) {
        const values = Float32Array.from({ length: elementCount(shape) }, (_, i) => 1 + i / 2);
        pool.ids.push(builder.constant(float32(shape), { kind: 'dense', values }));
      }
      for (const recipe of recipes) append(pool, recipe);
      const named = pool.ids.slice(-outputs).map((id, i) => ({ name: `output${i}`, id }));
      return { program: builder.build(named), inputs };
    });
}

/** Faults of a program's form: a value that is read before it is there, computed twice, or out of range. */
export function faultsOf({ values, inputs, constants, nodes, outputs }: Program): string[] {
  const faults: string[] = [];
  const known = new Set<ValueId>();
  const define = (id: ValueId): void => {
    if (known.has(id)) faults.push(`value ${id} is defined twice`);
    if (values[id] === undefined) faults.push(`value ${id} has no type`);
    known.add(id);
  };
  const read = (id: ValueId): void => {
    if (!known.has(id)) faults.push(`value ${id} is read before it is there`);
  };
  for (const { id } of inputs) define(id);
  for (const id of constants.keys()) define(id);
  for (const node of nodes) {
    node.inputs.forEach(read);
    node.outputs.forEach(define);
  }
  for (const { id } of outputs) read(id);
  return faults;
}

type Append = (pool: Pool, recipe: Recipe) => ValueId | undefined;

const shapeOf = ({ builder }: Pool, id: ValueId): readonly number[] => builder.typeOf(id).shape;
const at = <T>(items: readonly T[], choice: number): T => items[choice % items.length]!;
const float32 = (shape: readonly number[]): ValueType => ({ shape, dtype: 'float32' });

function append(pool: Pool, recipe: Recipe): void {
  const id = at(APPENDS, recipe[0])(pool, recipe);
  if (id !== undefined) pool.ids.push(id);
}

/** One of the values; half of the time one of the latest, so that nodes read each other. */
const operand = (ids: readonly ValueId[], choice: number): ValueId =>
  choice % 2 === 0 ? at(ids, choice >> 1) : at(ids.slice(-3), choice >> 1);

const markPositive = (pool: Pool, id: ValueId): ValueId => {
  pool.positive.add(id);
  return id;
};

/** An operand of a wanted kind; the exponential of one where a positive one is wanted. */
const positiveOperand = (pool: Pool, choice: number): ValueId => {
  const id = operand(pool.ids, choice);
  if (pool.positive.has(id)) return id;
  return markPositive(pool, pool.builder.node({ kind: 'exp' }, [id], pool.builder.typeOf(id)));
};

const ranked = (pool: Pool, choice: number, rank: number): ValueId =>
  operand(
    pool.ids.filter((id) => shapeOf(pool, id).length >= rank),
    choice,
  );

function broadcast(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const sizes = Array.from({ length: rank }, (_, i) => {
    const [left, right] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    return left === right || right === 1 ? left : left === 1 ? right : Number.NaN;
  });
  return sizes.some(Number.isNaN) || elementCount(sizes) > MAX_ELEMENTS ? undefined : sizes;
}

const UNARY: readonly UnaryOp[] = ['neg', 'abs', 'sign', 'sigmoid', 'tanh', 'erf', 'relu', 'gelu', 'sin', 'cos'];
const OF_POSITIVE: readonly UnaryOp[] = ['log', 'sqrt', 'reciprocal'];
const BINARY: readonly BinaryOp[] = ['add', 'sub', 'mul', 'maximum', 'minimum'];
const COMPARISONS: readonly BinaryOp[] = ['equal', 'greater', 'greaterEqual', 'less', 'lessEqual'];
const REDUCTIONS = ['reduceSum', 'reduceMean', 'reduceMax'] as const;

const constant: Append = ({ builder }, [, first, second, detail]) => {
  const shape = at(CONSTANT_SHAPES, first);
  const values = Float32Array.from({ length: elementCount(shape) }, (_, i) => at(CONSTANT_VALUES, second + i));
  const filled: Constant = { kind: 'fill', value: values[0]! };
  return builder.constant(float32(shape), detail % 2 === 0 ? filled : { kind: 'dense', values });
};

const unary: Append = ({ builder, ids }, [, first, second]) => {
  const x = operand(ids, first);
  return builder.node({ kind: at(UNARY, second) }, [x], builder.typeOf(x));
};

const ofPositive: Append = (pool, [, first, second]) => {
  const x = positiveOperand(pool, first);
  return pool.builder.node({ kind: at(OF_POSITIVE, second) }, [x], pool.builder.typeOf(x));
};

const binary: Append = (pool, [, first, second, detail]) => {
  const [a, b] = [operand(pool.ids, first), operand(pool.ids, second)];
  const shape = broadcast(shapeOf(pool, a), shapeOf(pool, b));
  return shape && pool.builder.node({ kind: at(BINARY, detail) }, [a, b], float32(shape));
};

const quotient: Append = (pool, [, first, second]) => {
  const [a, b] = [operand(pool.ids, first), positiveOperand(pool, second)];
  const shape = broadcast(shapeOf(pool, a), shapeOf(pool, b));
  return shape && pool.builder.node({ kind: 'div' }, [a, b], float32(shape));
};

const power: Append = (pool, [, first, , detail]) => {
  const base = positiveOperand(pool, first);
  const exponent = pool.builder.constant(float32([]), { kind: 'fill', value: at([1, 2, 0.5, 3, 0], detail) });
  return pool.builder.node({ kind: 'pow' }, [base, exponent], float32(shapeOf(pool, base)));
};

const selection: Append = (pool, [, first, second, detail]) => {
  const [a, b] = [operand(pool.ids, first), operand(pool.ids, second)];
  const shape = broadcast(shapeOf(pool, a), shapeOf(pool, b));
  if (shape === undefined) return undefined;
  const condition = pool.builder.node({ kind: at(COMPARISONS, detail) }, [a, b], { shape, dtype: 'bool' });
  return detail % 2 === 0
    ? pool.builder.node({ kind: 'cast' }, [condition], float32(shape))
    : pool.builder.node({ kind: 'select' }, [condition, a, b], float32(shape));
};

const reduction: Append = (pool, [, first, second, detail]) => {
  const x = ranked(pool, first, 1);
  const shape = shapeOf(pool, x);
  const axes = shape.map((_, axis) => axis).filter((axis) => ((second >> axis) & 1) === 0);
  const keepDims = detail % 2 === 0;
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const reduced = keepDims ? kept : shape.filter((_, axis) => !axes.includes(axis));
  return axes.length === 0
    ? undefined
    : pool.builder.node({ kind: at(REDUCTIONS, detail), axes, keepDims }, [x], float32(reduced));
};

const rowwise: Append = (pool, [, first, , detail]) => {
  const x = ranked(pool, first, 1);
  return pool.builder.node({ kind: detail % 2 === 0 ? 'softmax' : 'logSoftmax' }, [x], float32(shapeOf(pool, x)));
};

const product: Append = (pool, [, first, second, detail]) => {
  const [a, b] = [ranked(pool, first, 2), ranked(pool, second, 2)];
  const [left, right] = [shapeOf(pool, a), shapeOf(pool, b)];
  const [transposeA, transposeB] = [(detail & 1) === 1, (detail & 2) === 2];
  const [rows, inner] = transposeA ? [left.at(-1)!, left.at(-2)!] : [left.at(-2)!, left.at(-1)!];
  const [depth, columns] = transposeB ? [right.at(-1)!, right.at(-2)!] : [right.at(-2)!, right.at(-1)!];
  const batch = broadcast(left.slice(0, -2), right.slice(0, -2));
  if (inner !== depth || batch === undefined) return undefined;
  return pool.builder.node({ kind: 'matMul', transposeA, transposeB }, [a, b], float32([...batch, rows, columns]));
};

const reshape: Append = (pool, [, first, , detail]) => {
  const x = operand(pool.ids, first);
  const shape = shapeOf(pool, x);
  const count = elementCount(shape);
  const target = at([[count], [1, count], [count, 1], [...shape, 1], shape], detail);
  return pool.builder.node({ kind: 'reshape' }, [x], float32(target));
};

const transpose: Append = (pool, [, first, , detail]) => {
  const x = ranked(pool, first, 2);
  const shape = shapeOf(pool, x);
  const permutation = shape.map((_, axis) => axis);
  // Mostly the last two axes, which a product can read through.
  if (detail % 3 === 0) permutation.unshift(permutation.pop()!);
  else permutation.push(...permutation.splice(-2).reverse());
  return pool.builder.node({ kind: 'transpose', permutation }, [x], float32(permutation.map((axis) => shape[axis]!)));
};

const expand: Append = (pool, [, first, second]) => {
  const x = operand(pool.ids, first);
  const shape = broadcast(shapeOf(pool, x), at([[2, 3], [3, 3], [2, 2, 3], [1]], second));
  return shape && pool.builder.node({ kind: 'expand' }, [x], float32(shape));
};

const slice: Append = (pool, [, first, second, detail]) => {
  const x = ranked(pool, first, 1);
  const shape = shapeOf(pool, x);
  const axis = second % shape.length;
  const begin = shape.map((size, i) => (i === axis ? detail % size : 0));
  return pool.builder.node({ kind: 'slice', begin }, [x], float32(shape.map((size, i) => size - begin[i]!)));
};

const concat: Append = (pool, [, first, second, detail]) => {
  const x = ranked(pool, first, 1);
  const shape = shapeOf(pool, x);
  const axis = second % shape.length;
  const parts = Array.from({ length: 1 + (detail % 3) }, () => x);
  const joined = shape.map((size, i) => (i === axis ? size * parts.length : size));
  if (elementCount(joined) > MAX_ELEMENTS) return undefined;
  return pool.builder.node({ kind: 'concat', axis }, parts, float32(joined));
};

const pad: Append = (pool, [, first, second, detail]) => {
  const x = ranked(pool, first, 1);
  const shape = shapeOf(pool, x);
  const before = shape.map((_, axis) => (second >> axis) & 1);
  const after = shape.map((_, axis) => (detail >> axis) & 1);
  const padded = shape.map((size, axis) => size + before[axis]! + after[axis]!);
  if (elementCount(padded) > MAX_ELEMENTS) return undefined;
  const value = at([0, 1, -Infinity, Infinity], detail);
  return pool.builder.node({ kind: 'pad', before, after, value }, [x], float32(padded));
};

const gather: Append = (pool, [, first, second, detail]) => {
  const x = ranked(pool, first, 1);
  const shape = shapeOf(pool, x);
  const axis = second % shape.length;
  const rows = Int32Array.of(detail % shape[axis]!, second % shape[axis]!);
  const indices = pool.builder.constant({ shape: [2], dtype: 'int32' }, { kind: 'dense', values: rows });
  return pool.builder.node(
    { kind: 'gather', axis },
    [x, indices],
    float32(shape.map((size, i) => (i === axis ? 2 : size))),
  );
};

const position: Append = (pool, [, first, second]) => {
  const x = ranked(pool, first, 1);
  const axis = second % shapeOf(pool, x).length;
  const shape = shapeOf(pool, x).filter((_, i) => i !== axis);
  const found = pool.builder.node({ kind: 'argMax', axis }, [x], { shape, dtype: 'int32' });
  return pool.builder.node({ kind: 'cast' }, [found], float32(shape));
};

const norm: Append = (pool, [, first, , detail]) => {
  const x = ranked(pool, first, 1);
  const shape = shapeOf(pool, x);
  const field = (value: number): ValueId => pool.builder.constant(float32([shape.at(-1)!]), { kind: 'fill', value });
  const moments = float32([...shape.slice(0, -1), 1]);
  const results = pool.builder.nodeWithResults(
    { kind: 'layerNorm', epsilon: 0.5 },
    [x, field(2), field(-1)],
    [float32(shape), moments, moments],
  );
  return at(results, detail);
};

const APPENDS: readonly Append[] = [
  constant,
  constant,
  constant,
  unary,
  ofPositive,
  binary,
  binary,
  quotient,
  power,
  selection,
  reduction,
  rowwise,
  product,
  product,
  reshape,
  transpose,
  transpose,
  expand,
  slice,
  concat,
  pad,
  gather,
  position,
  norm,
];
