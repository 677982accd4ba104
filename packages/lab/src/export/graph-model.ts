/**
 * Writes a program as a TensorFlow.js graph model: the topology as a TensorFlow GraphDef in JSON, the constants as shards
 * of raw values. Only operations that every tfjs backend has are used; layer norm and GELU are composed of them. Pure:
 * who stores the files, and who loads them to see whether they are right, is somebody else.
 */
import { TrainingError } from '@facet/shared';
import type { Op, OpKind, Program, ProgramNode, ValueId, ValueType } from '@facet/compiler';
import { createGraphWriter, graphShape, TENSORFLOW_TYPE, type GraphWriter } from './graph-writer.js';

/** Browsers cache files of up to four megabytes well; the converter of TensorFlow cuts weights there too. */
const SHARD_BYTES = 4 * 1024 * 1024;

export interface GraphModelOptions {
  /** Names for constants; the others are numbered. */
  readonly constantNames: ReadonlyMap<ValueId, string>;
  readonly metadata: Readonly<Record<string, string>>;
}

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
  const writer = createGraphWriter(program, options.constantNames);
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
  return { name: `${name}:0`, dtype: TENSORFLOW_TYPE[dtype], tensorShape: graphShape(shape) };
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
      return writer.node('Cast', operands, { DstT: { type: TENSORFLOW_TYPE[result.dtype] } });
    case 'transpose':
      return writer.node('Transpose', [...operands, writer.integers(op.permutation)]);
    case 'slice':
      return op.stride === undefined
        ? writer.node('Slice', [...operands, writer.integers(op.begin), writer.integers(result.shape)])
        : writeStridedSlice(writer, operands, { begin: op.begin, stride: op.stride, shape: result.shape });
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
        `the node ${op.kind} has no TensorFlow form; add it to packages/lab/src/export/graph-model.ts`,
      );
  }
}

function writeStridedSlice(
  writer: GraphWriter,
  operands: readonly string[],
  { begin, stride, shape }: Readonly<Record<'begin' | 'stride' | 'shape', readonly number[]>>,
): string {
  const end = begin.map((from, axis) => from + (shape[axis]! - 1) * stride[axis]! + 1);
  const places = [begin, end, stride].map((values) => writer.integers(values));
  const masks = ['begin_mask', 'end_mask', 'ellipsis_mask', 'new_axis_mask', 'shrink_axis_mask'];
  return writer.node(
    'StridedSlice',
    [...operands, ...places],
    Object.fromEntries(masks.map((mask) => [mask, { i: '0' }])),
  );
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

function cut(bytes: Uint8Array): Uint8Array[] {
  const count = Math.max(1, Math.ceil(bytes.byteLength / SHARD_BYTES));
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * SHARD_BYTES, (i + 1) * SHARD_BYTES));
}
