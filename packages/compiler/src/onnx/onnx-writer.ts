/**
 * Writes a program as an ONNX model: standard operators only, opset 20, every shape fixed. A field of one repeated number
 * is stored as a scalar wherever its user broadcasts it anyway, so no large constant is written.
 */
import { TrainingError } from '@facet/shared';
import {
  elementCount,
  type DType,
  type Op,
  type Program,
  type ProgramNode,
  type ValueId,
  type ValueType,
} from '../program/program.js';
import {
  encodeOnnxModel,
  ONNX_ATTRIBUTE,
  ONNX_TYPE,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
} from './onnx-schema.js';

const OPSET = 20;
const IR_VERSION = 9;

const SIMPLE_OPERATORS: Partial<Record<Op['kind'], string>> = {
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
  gelu: 'Gelu',
  sin: 'Sin',
  cos: 'Cos',
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  pow: 'Pow',
  maximum: 'Max',
  minimum: 'Min',
  equal: 'Equal',
  greater: 'Greater',
  greaterEqual: 'GreaterOrEqual',
  less: 'Less',
  lessEqual: 'LessOrEqual',
  select: 'Where',
};

const BROADCASTING = new Set<Op['kind']>([
  'add',
  'sub',
  'mul',
  'div',
  'pow',
  'maximum',
  'minimum',
  'equal',
  'greater',
  'greaterEqual',
  'less',
  'lessEqual',
]);

export interface OnnxOptions {
  /** `apart` (default) gives inputs and outputs names that no value in between can have; `plain` those of the program. */
  readonly interfaceNames?: 'apart' | 'plain';
  /** Names for constants in the file; the others are numbered. */
  readonly constantNames?: ReadonlyMap<ValueId, string>;
  /** Kept in the file for whoever opens it. */
  readonly metadata?: Readonly<Record<string, string>>;
}

interface Writer {
  readonly program: Program;
  readonly nameInput: (name: string) => string;
  readonly constantNames: ReadonlyMap<ValueId, string>;
  readonly nodes: OnnxNode[];
  readonly tensors: Map<string, OnnxTensor>;
}

/** Serialises a program to the bytes of an .onnx file. */
export function writeOnnx(program: Program, options: OnnxOptions = {}): Uint8Array {
  const { interfaceNames = 'apart', constantNames = new Map(), metadata = {} } = options;
  const plain = (name: string): string => name;
  const [nameInput, nameOutput] = interfaceNames === 'apart' ? [inputName, outputName] : [plain, plain];
  const writer: Writer = { program, nameInput, constantNames, nodes: [], tensors: new Map() };
  for (const node of program.nodes) writeNode(writer, node);
  const outputNames = new Set<string>();
  for (const { name, id } of program.outputs) {
    if (outputNames.has(name))
      throw new TrainingError('INTERNAL', `program ${program.name} has two outputs named ${name}`);
    outputNames.add(name);
    emit(writer, 'Identity', [operand(writer, id)], [nameOutput(name)]);
  }
  return encodeOnnxModel({
    irVersion: IR_VERSION,
    producerName: 'facet',
    opsetImport: [{ domain: '', version: OPSET }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: program.name,
      node: writer.nodes,
      initializer: [...writer.tensors.values()],
      input: program.inputs.map(({ name, id }) => valueInfo(nameInput(name), program.values[id]!)),
      output: program.outputs.map(({ name, id }) => valueInfo(nameOutput(name), program.values[id]!)),
    },
  });
}

/** The name under which an input of the program is fed. */
export function inputName(name: string): string {
  return `in:${name}`;
}

/** The name under which an output of the program is fetched. */
export function outputName(name: string): string {
  return `out:${name}`;
}

function valueInfo(name: string, { shape, dtype }: ValueType) {
  return {
    name,
    type: { tensorType: { elemType: ONNX_TYPE[dtype], shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
  };
}

function valueName(writer: Writer, id: ValueId): string {
  const input = writer.program.inputs.find((named) => named.id === id);
  return input === undefined ? `v${id}` : writer.nameInput(input.name);
}

/** The name of a value as an operand; a constant is written the first time it is used. */
function operand(writer: Writer, id: ValueId): string {
  const constant = writer.program.constants.get(id);
  if (constant === undefined) return valueName(writer, id);
  const name = writer.constantNames.get(id) ?? `c${id}`;
  if (writer.tensors.has(name)) return name;
  const { shape, dtype } = writer.program.values[id]!;
  if (constant.kind === 'fill' && elementCount(shape) > 64) {
    const expanded = `${name}e`;
    if (!writer.nodes.some((node) => node.output[0] === expanded)) {
      emit(writer, 'Expand', [scalarOperand(writer, id), integers(writer, shape)], [expanded]);
    }
    return expanded;
  }
  const values =
    constant.kind === 'dense' ? constant.values : numbersOf(dtype, elementCount(shape)).fill(constant.value);
  writer.tensors.set(name, tensor(name, shape, dtype, values));
  return name;
}

/** A fill constant as a rank-0 tensor, for users that broadcast. */
function scalarOperand(writer: Writer, id: ValueId): string {
  const constant = writer.program.constants.get(id);
  if (constant?.kind !== 'fill') return operand(writer, id);
  const { dtype } = writer.program.values[id]!;
  const name = `s${id}`;
  if (!writer.tensors.has(name)) {
    writer.tensors.set(name, tensor(name, [], dtype, numbersOf(dtype, 1).fill(constant.value)));
  }
  return name;
}

function numbersOf(dtype: DType, length: number): Float32Array | Int32Array {
  return dtype === 'float32' ? new Float32Array(length) : new Int32Array(length);
}

function tensor(
  name: string,
  dims: readonly number[],
  dtype: keyof typeof ONNX_TYPE,
  values: Float32Array | Int32Array,
): OnnxTensor {
  const bytes =
    dtype === 'bool' ? Uint8Array.from(values) : new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dataType: ONNX_TYPE[dtype], dims, rawData: bytes };
}

function integers(writer: Writer, values: readonly number[]): string {
  const name = `i_${values.join('_')}`;
  if (!writer.tensors.has(name)) {
    const data = BigInt64Array.from(values.map(BigInt));
    const rawData = new Uint8Array(data.buffer);
    writer.tensors.set(name, { name, dataType: ONNX_TYPE.int64, dims: [values.length], rawData });
  }
  return name;
}

function emit(
  writer: Writer,
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attribute: readonly OnnxAttribute[] = [],
): void {
  writer.nodes.push({ name: `n${writer.nodes.length}_${opType}`, opType, input, output, attribute });
}

const intAttribute = (name: string, i: number): OnnxAttribute => ({ name, type: ONNX_ATTRIBUTE.int, i });
const floatAttribute = (name: string, f: number): OnnxAttribute => ({ name, type: ONNX_ATTRIBUTE.float, f });
const intsAttribute = (name: string, ints: readonly number[]): OnnxAttribute => ({
  name,
  type: ONNX_ATTRIBUTE.ints,
  ints,
});

function writeNode(writer: Writer, node: ProgramNode): void {
  const { op } = node;
  const { values } = writer.program;
  const results = node.outputs.map((id) => `v${id}`);
  const result = values[node.outputs[0]!]!;
  const inputs = (): string[] => node.inputs.map((id) => operand(writer, id));

  const simple = SIMPLE_OPERATORS[op.kind];
  if (simple !== undefined) {
    const operands = BROADCASTING.has(op.kind) ? broadcastOperands(writer, node, result) : inputs();
    emit(writer, simple, operands, results);
    return;
  }

  switch (op.kind) {
    case 'reduceSum':
    case 'reduceMean':
    case 'reduceMax': {
      const operator = { reduceSum: 'ReduceSum', reduceMean: 'ReduceMean', reduceMax: 'ReduceMax' }[op.kind];
      emit(writer, operator, [...inputs(), integers(writer, op.axes)], results, [
        intAttribute('keepdims', op.keepDims ? 1 : 0),
      ]);
      return;
    }
    case 'softmax':
    case 'logSoftmax':
      emit(writer, op.kind === 'softmax' ? 'Softmax' : 'LogSoftmax', inputs(), results, [intAttribute('axis', -1)]);
      return;
    case 'matMul': {
      const [a, b] = node.inputs as [ValueId, ValueId];
      emit(writer, 'MatMul', [transposed(writer, a, op.transposeA), transposed(writer, b, op.transposeB)], results);
      return;
    }
    case 'reshape':
      emit(writer, 'Reshape', [...inputs(), integers(writer, result.shape)], results);
      return;
    case 'expand':
      emit(writer, 'Expand', [...inputs(), integers(writer, result.shape)], results);
      return;
    case 'cast':
      emit(writer, 'Cast', inputs(), results, [intAttribute('to', ONNX_TYPE[result.dtype])]);
      return;
    case 'transpose':
      emit(writer, 'Transpose', inputs(), results, [intsAttribute('perm', op.permutation)]);
      return;
    case 'slice': {
      const full = values[node.inputs[0]!]!.shape;
      const axes = full.map((_, i) => i).filter((i) => full[i] !== result.shape[i]);
      const starts = axes.map((i) => op.begin[i]!);
      const steps = axes.map((i) => op.stride?.[i] ?? 1);
      const ends = axes.map((i, at) => op.begin[i]! + (result.shape[i]! - 1) * steps[at]! + 1);
      const parameters = [starts, ends, axes, ...(op.stride === undefined ? [] : [steps])];
      emit(writer, 'Slice', [...inputs(), ...parameters.map((values) => integers(writer, values))], results);
      return;
    }
    case 'concat':
      emit(writer, 'Concat', inputs(), results, [intAttribute('axis', op.axis)]);
      return;
    case 'pad': {
      const name = `p${node.outputs[0]!}`;
      writer.tensors.set(name, tensor(name, [], 'float32', Float32Array.of(op.value)));
      emit(writer, 'Pad', [...inputs(), integers(writer, [...op.before, ...op.after]), name], results);
      return;
    }
    case 'gather':
      emit(writer, 'Gather', inputs(), results, [intAttribute('axis', op.axis)]);
      return;
    case 'argMax': {
      const wide = `${results[0]!}w`;
      emit(writer, 'ArgMax', inputs(), [wide], [intAttribute('axis', op.axis), intAttribute('keepdims', 0)]);
      emit(writer, 'Cast', [wide], results, [intAttribute('to', ONNX_TYPE.int32)]);
      return;
    }
    case 'layerNorm':
      emit(writer, 'LayerNormalization', inputs(), results, [
        intAttribute('axis', -1),
        floatAttribute('epsilon', op.epsilon),
      ]);
      return;
    default:
      throw new TrainingError(
        'CAPTURE_UNSUPPORTED',
        `the node ${op.kind} has no ONNX form; add it to packages/compiler/src/onnx/onnx-writer.ts`,
      );
  }
}

/** A repeated number may shrink to a scalar when the other operand already has the shape of the result. */
function broadcastOperands(writer: Writer, node: ProgramNode, result: ValueType): string[] {
  const [a, b] = node.inputs as [ValueId, ValueId];
  const fills = (id: ValueId): boolean => elementCount(writer.program.values[id]!.shape) === elementCount(result.shape);
  return [
    fills(b) ? scalarOperand(writer, a) : operand(writer, a),
    fills(a) ? scalarOperand(writer, b) : operand(writer, b),
  ];
}

function transposed(writer: Writer, id: ValueId, isTransposed: boolean): string {
  const source = operand(writer, id);
  if (!isTransposed) return source;
  const rank = writer.program.values[id]!.shape.length;
  const name = `${source}t`;
  if (!writer.nodes.some((node) => node.output[0] === name)) {
    const permutation = Array.from({ length: rank }, (_, i) => i);
    [permutation[rank - 2], permutation[rank - 1]] = [rank - 1, rank - 2];
    emit(writer, 'Transpose', [source], [name], [intsAttribute('perm', permutation)]);
  }
  return name;
}
