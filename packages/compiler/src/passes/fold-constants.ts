/**
 * Evaluates nodes whose inputs are all constants with the reference interpreter, rounded to float32. A result of one
 * repeated number becomes a fill, and a node that computes every element from fills alike is evaluated once: no array is
 * made on the way. Large arrays that are not in the program already stay nodes: an engine makes them faster than it loads them.
 */
import { interpretNode, isPrimitive, type PrimitiveKind } from '../program/interpret-node.js';
import {
  elementCount,
  type Constant,
  type Program,
  type ProgramNode,
  type ValueId,
  type ValueType,
} from '../program/program.js';
import { constantArray, roundArray, type RealArray } from '../program/real-array.js';
import type { Pass } from './pass.js';

/** Arrays up to this size are made freely; larger ones only where a dense constant of that size is read. */
const MAX_NEW_ELEMENTS = 65_536;

/** Kinds whose result is not one repeated number when their inputs are. */
const MIXES_ELEMENTS: ReadonlySet<PrimitiveKind> = new Set([
  'reduceSum',
  'reduceMean',
  'reduceMax',
  'softmax',
  'logSoftmax',
  'layerNorm',
  'matMul',
  'concat',
  'pad',
  'gather',
  'argMax',
]);

/** Replaces nodes of constants by constants. */
export const foldConstants: Pass = (program) => {
  const constants = new Map(program.constants);
  const nodes: ProgramNode[] = [];
  for (const node of program.nodes) {
    const inputs = node.inputs.map((id) => constants.get(id));
    const results = inputs.every((input) => input !== undefined) ? foldNode(node, inputs, program) : undefined;
    if (results === undefined) nodes.push(node);
    else node.outputs.forEach((id, i) => constants.set(id, results[i]!));
  }
  return { ...program, nodes, constants };
};

function foldNode({ op, ...node }: ProgramNode, constants: Constant[], program: Program): Constant[] | undefined {
  if (!isPrimitive(op)) return undefined;
  const typesOf = (ids: readonly ValueId[]): ValueType[] => ids.map((id) => program.values[id]!);
  const [inputTypes, types] = [typesOf(node.inputs), typesOf(node.outputs)];
  const evaluate = (inputs: RealArray[], resultTypes: ValueType[]): RealArray[] =>
    interpretNode(op, inputs, resultTypes).map((result, i) => roundArray(result, types[i]!.dtype, 'float32'));

  if (constants.every(({ kind }) => kind === 'fill') && !MIXES_ELEMENTS.has(op.kind)) {
    const scalars = constants.map((constant) => constantArray(constant, []));
    const results = evaluate(
      scalars,
      types.map(({ dtype }) => ({ shape: [], dtype })),
    );
    return results.map(({ values }) => ({ kind: 'fill', value: values[0]! }));
  }
  const stored = constants.map((constant) => (constant.kind === 'dense' ? constant.values.length : 1));
  const limit = Math.max(MAX_NEW_ELEMENTS, ...stored);
  if ([...inputTypes, ...types].some(({ shape }) => elementCount(shape) > limit)) return undefined;
  const arrays = constants.map((constant, i) => constantArray(constant, inputTypes[i]!.shape));
  return evaluate(arrays, types).map(({ values }, i) => toConstant(values, types[i]!));
}

function toConstant(values: Float64Array, { dtype }: ValueType): Constant {
  const first = values[0] ?? 0;
  if (values.every((value) => Object.is(value, first))) return { kind: 'fill', value: first };
  return { kind: 'dense', values: dtype === 'float32' ? Float32Array.from(values) : Int32Array.from(values) };
}
