/**
 * Writes a program as a TensorFlow.js graph model: the topology as a TensorFlow GraphDef in JSON, the constants as shards
 * of raw values. Only operations that every tfjs backend has are used; layer norm and GELU are composed of them. Pure:
 * who stores the files, and who loads them to see whether they are right, is somebody else.
 */
import { TrainingError } from '@facet/shared';
import {
  elementCount,
  type Constant,
  type DType,
  type Op,
  type OpKind,
  type Program,
  type ProgramNode,
  type ValueId,
  type ValueType,
} from '../engine/program/program.js';

/** Browsers cache files of up to four megabytes well; the converter of TensorFlow cuts weights there too. */
const SHARD_BYTES = 4 * 1024 * 1024;

export interface GraphModelOptions {
  /** Names for constants; the others are numbered. */
  readonly constantNames: ReadonlyMap<ValueId, string>;
  readonly metadata: Readonly<Record<string, string>>;
}

type Attribute = { type: string } | { b: boolean } | { i: string } | { shape: GraphShape } | { tensor: object };

interface GraphShape {
  readonly dim: readonly { readonly size: string }[];
}

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, Attribute>>;
}

interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

const TYPE: Record<DType, string> = { float32: 'DT_FLOAT', int32: 'DT_INT32', bool: 'DT_BOOL' };

/** Operations that are one TensorFlow node with the same operands. */
const SIMPLE: Partial<Record<OpKind, string>> = {
  neg: 'Neg',
  exp: 'Exp',
  log: 'Log',
  sqrt: 'Sqrt',
  reciprocal: 'Reciprocal',
  abs: 'Abs',
  sign: 'Sign',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  erf: 'Erf',
  relu: 'Relu',
  sin: 'Sin',
  cos: 'Cos',
  add: 'AddV2',
  sub: 'Sub',
  mul: 'Mul',
  div: 'RealDiv',
  pow: 'Pow',
  maximum: 'Maximum',
  minimum: 'Minimum',
  equal: 'Equal',
  greater: 'Greater',
  greaterEqual: 'GreaterEqual',
  less: 'Less',
  lessEqual: 'LessEqual',
  select: 'SelectV2',
  softmax: 'Softmax',
  logSoftmax: 'LogSoftmax',
};

/**
 * Writes a program as the files of a graph model.
 *
 * @returns `model.json` and the shards it names
 * @throws TrainingError CAPTURE_UNSUPPORTED for an operation that has no TensorFlow form here.
 */
export function writeGraphModel(program: Program, options: GraphModelOptions): Map<string, Uint8Array> {
  const writer = createWriter(program, options.constantNames);
  for (const { name, id } of program.inputs) writer.placeholder(id, name);
  for (const node of program.nodes) writeNode(writer, node, program);
  for (const { name, id } of program.outputs) writer.node('Identity', [writer.value(id)], {}, name);

  const shards = cut(writer.bytes());
  const shardNames = shards.map((_, i) => `group1-shard${i + 1}of${shards.length}.bin`);
  const signature = (values: Program['inputs']): object =>
    Object.fromEntries(values.map(({ name, id }) => [name, tensorInfo(name, program.values[id]!)]));
  const json = {
    format: 'graph-model',
    generatedBy: 'facet',
    convertedBy: null,
    signature: { inputs: signature(program.inputs), outputs: signature(program.outputs) },
    userDefinedMetadata: options.metadata,
    modelTopology: { node: writer.nodes, library: {}, versions: { producer: 1, minConsumer: 0 } },
    weightsManifest: [{ paths: shardNames, weights: writer.weights }],
  };
  const files = new Map<string, Uint8Array>([['model.json', new TextEncoder().encode(JSON.stringify(json))]]);
  shards.forEach((shard, i) => files.set(shardNames[i]!, shard));
  return files;
}

function tensorInfo(name: string, { shape, dtype }: ValueType): object {
  return { name: `${name}:0`, dtype: TYPE[dtype], tensorShape: graphShape(shape) };
}

function graphShape(shape: readonly number[]): GraphShape {
  return { dim: shape.map((size) => ({ size: String(size) })) };
}

interface GraphWriter {
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

function createWriter(program: Program, constantNames: ReadonlyMap<ValueId, string>): GraphWriter {
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
    const empty = { dtype: TYPE[dtype], tensorShape: graphShape(shape) };
    node('Const', [], { dtype: { type: TYPE[dtype] }, value: { tensor: empty } }, name);
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
      node('Placeholder', [], { dtype: { type: TYPE[dtype] }, shape: { shape: graphShape(shape) } }, name);
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

function writeNode(writer: GraphWriter, programNode: ProgramNode, { values }: Program): void {
  const { op, inputs, outputs } = programNode;
  const operands = inputs.map((id) => writer.value(id));
  const result = values[outputs[0]!]!;
  if (op.kind === 'layerNorm') {
    writeLayerNorm(writer, operands, op.epsilon).forEach((name, i) => {
      writer.bind(outputs[i]!, name);
    });
    return;
  }
  writer.bind(
    outputs[0]!,
    writeSingle(writer, { op, operands, result, shapes: inputs.map((id) => values[id]!.shape) }),
  );
}

interface SingleNode {
  readonly op: Op;
  readonly operands: readonly string[];
  readonly result: ValueType;
  /** Shapes of the operands. */
  readonly shapes: readonly (readonly number[])[];
}

function writeSingle(writer: GraphWriter, { op, operands, result, shapes }: SingleNode): string {
  const simple = SIMPLE[op.kind];
  if (simple !== undefined) return writer.node(simple, operands, { T: { type: 'DT_FLOAT' } });
  switch (op.kind) {
    case 'gelu':
      return writeGelu(writer, operands[0]!);
    case 'reduceSum':
    case 'reduceMean':
    case 'reduceMax': {
      const operator = { reduceSum: 'Sum', reduceMean: 'Mean', reduceMax: 'Max' }[op.kind];
      return writer.node(operator, [...operands, writer.integers(op.axes)], { keep_dims: { b: op.keepDims } });
    }
    case 'matMul':
      // MatMul is for two matrices only; the batched product takes any leading axes.
      return shapes.every(({ length }) => length === 2)
        ? writer.node('MatMul', operands, { transpose_a: { b: op.transposeA }, transpose_b: { b: op.transposeB } })
        : writer.node('BatchMatMulV2', operands, { adj_x: { b: op.transposeA }, adj_y: { b: op.transposeB } });
    case 'reshape':
      return writer.node('Reshape', [...operands, writer.integers(result.shape)]);
    case 'expand':
      return writer.node('BroadcastTo', [...operands, writer.integers(result.shape)]);
    case 'cast':
      return writer.node('Cast', operands, { DstT: { type: TYPE[result.dtype] } });
    case 'transpose':
      return writer.node('Transpose', [...operands, writer.integers(op.permutation)]);
    case 'slice':
      return writer.node('Slice', [...operands, writer.integers(op.begin), writer.integers(result.shape)]);
    case 'concat':
      return writer.node('ConcatV2', [...operands, writer.integer(op.axis)], { N: { i: String(operands.length) } });
    case 'pad': {
      const paddings = writer.node('Reshape', [
        writer.integers(op.before.flatMap((before, axis) => [before, op.after[axis]!])),
        writer.integers([op.before.length, 2]),
      ]);
      return writer.node('PadV2', [...operands, paddings, writer.scalar(op.value)]);
    }
    case 'gather':
      return writer.node('GatherV2', [...operands, writer.integer(op.axis)]);
    case 'argMax':
      return writer.node('ArgMax', [...operands, writer.integer(op.axis)]);
    default:
      throw new TrainingError(
        'CAPTURE_UNSUPPORTED',
        `the node ${op.kind} has no TensorFlow form; add it to packages/worker/src/export/graph-model.ts`,
      );
  }
}

/** x / 2 * (1 + erf(x / sqrt(2))) */
function writeGelu(writer: GraphWriter, x: string): string {
  const error = writer.node('Erf', [writer.node('Mul', [x, writer.scalar(Math.SQRT1_2)])]);
  const cumulative = writer.node('AddV2', [error, writer.scalar(1)]);
  return writer.node('Mul', [writer.node('Mul', [x, writer.scalar(0.5)]), cumulative]);
}

/** Results: the normalised values, the mean and the reciprocal standard deviation, as the node has them. */
function writeLayerNorm(writer: GraphWriter, [x, gain, bias]: readonly string[], epsilon: number): string[] {
  const lastAxis = writer.integers([-1]);
  const mean = writer.node('Mean', [x!, lastAxis], { keep_dims: { b: true } });
  const centred = writer.node('Sub', [x!, mean]);
  const variance = writer.node('Mean', [writer.node('Mul', [centred, centred]), lastAxis], { keep_dims: { b: true } });
  const reciprocalDeviation = writer.node('Rsqrt', [writer.node('AddV2', [variance, writer.scalar(epsilon)])]);
  const scaled = writer.node('Mul', [writer.node('Mul', [centred, reciprocalDeviation]), gain!]);
  return [writer.node('AddV2', [scaled, bias!]), mean, reciprocalDeviation];
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

function cut(bytes: Uint8Array): Uint8Array[] {
  const count = Math.max(1, Math.ceil(bytes.byteLength / SHARD_BYTES));
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * SHARD_BYTES, (i + 1) * SHARD_BYTES));
}
