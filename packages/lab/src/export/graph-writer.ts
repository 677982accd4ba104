/**
 * Collects the nodes and constants of a TensorFlow graph. A node is told by its name, a constant is written the first time
 * it is used and once only. Pure. graph-model.ts decides which operation becomes which node.
 */
import { elementCount, type Constant, type DType, type Program, type ValueId, type ValueType } from '@facet/compiler';

type Attribute = { type: string } | { b: boolean } | { i: string } | { shape: GraphShape } | { tensor: object };

interface GraphShape {
  readonly dim: readonly { readonly size: string }[];
}

/** A NodeDef in JSON form. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, Attribute>>;
}

/** What the weights manifest says of a constant. */
export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** TensorFlow's names of types. */
export const TENSORFLOW_TYPE: Record<DType, string> = { float32: 'DT_FLOAT', int32: 'DT_INT32', bool: 'DT_BOOL' };

export interface GraphWriter {
  readonly nodes: readonly GraphNode[];
  readonly weights: readonly WeightSpec[];
  /** The name of a value as an operand; a constant is written the first time it is used. */
  value(id: ValueId): string;
  placeholder(id: ValueId, name: string): void;
  /** Appends a node; returns its name, which is made up unless it is given. */
  node(op: string, input: readonly string[], attr?: GraphNode['attr'], name?: string): string;
  /** A constant of whole numbers, such as a shape. */
  integers(values: readonly number[]): string;
  /** A constant of whole numbers without axes, such as an axis. */
  integer(value: number): string;
  scalar(value: number): string;
  /** Makes a node the producer of a value. */
  bind(id: ValueId, name: string): void;
  /** All constants, one behind the other, in the order of `weights`. */
  bytes(): Uint8Array;
}

/** Opens an empty graph for the values of a program. */
export function createGraphWriter(program: Program, constantNames: ReadonlyMap<ValueId, string>): GraphWriter {
  const nodes: GraphNode[] = [];
  const weights: WeightSpec[] = [];
  const chunks: Uint8Array[] = [];
  const names = new Map<ValueId, string>();
  const written = new Set<string>();

  const node: GraphWriter['node'] = (op, input, attr = {}, name = `n${nodes.length}_${op}`) => {
    nodes.push({ name, op, input, attr });
    return name;
  };
  const constant = (name: string, { shape, dtype }: ValueType, values: Float32Array | Int32Array): string => {
    if (written.has(name)) return name;
    written.add(name);
    const empty = { dtype: TENSORFLOW_TYPE[dtype], tensorShape: graphShape(shape) };
    node('Const', [], { dtype: { type: TENSORFLOW_TYPE[dtype] }, value: { tensor: empty } }, name);
    weights.push({ name, shape, dtype });
    const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    chunks.push(dtype === 'bool' ? Uint8Array.from(values) : raw);
    return name;
  };

  return {
    nodes,
    weights,
    node,
    value(id) {
      const found = program.constants.get(id);
      if (found === undefined) return names.get(id)!;
      const type = program.values[id]!;
      return constant(constantNames.get(id) ?? `constant${id}`, type, valuesOf(found, type));
    },
    placeholder(id, name) {
      const { shape, dtype } = program.values[id]!;
      node('Placeholder', [], { dtype: { type: TENSORFLOW_TYPE[dtype] }, shape: { shape: graphShape(shape) } }, name);
      names.set(id, name);
    },
    integers: (values) =>
      constant(`integers_${values.join('_')}`, { shape: [values.length], dtype: 'int32' }, Int32Array.from(values)),
    integer: (value) => constant(`integer_${value}`, { shape: [], dtype: 'int32' }, Int32Array.of(value)),
    scalar: (value) => constant(`scalar_${value}`, { shape: [], dtype: 'float32' }, Float32Array.of(value)),
    bind: (id, name) => void names.set(id, name),
    bytes: () => concatenated(chunks),
  };
}

function valuesOf(constant: Constant, { shape, dtype }: ValueType): Float32Array | Int32Array {
  if (constant.kind === 'dense') return constant.values;
  const length = elementCount(shape);
  return (dtype === 'float32' ? new Float32Array(length) : new Int32Array(length)).fill(constant.value);
}

/** A shape as TensorFlow writes it: numbers are text. */
export function graphShape(shape: readonly number[]): GraphShape {
  return { dim: shape.map((size) => ({ size: String(size) })) };
}

function concatenated(chunks: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return joined;
}
