/** Hand-made ONNX graphs, to compare ways of computing the same thing. */
import { elementCount } from '@facet/compiler';
import { ONNX_ATTRIBUTE, ONNX_TYPE, type OnnxNode, type OnnxTensor } from '@facet/compiler/internal';

/** The name of a value in a graph. */
export type Value = string;

/** A float attribute; plain numbers and lists are integers. */
export interface FloatAttribute {
  readonly f: number;
}

export const float = (f: number): FloatAttribute => ({ f });

export type Attributes = Readonly<Record<string, number | readonly number[] | FloatAttribute>>;

/** Collects nodes and constants. Operations of ONNX, and with `microsoft` of com.microsoft. */
export interface Graph {
  readonly nodes: OnnxNode[];
  readonly constants: ReadonlyMap<Value, OnnxTensor>;
  /** Adds a node with one result. */
  op(opType: string, inputs: readonly Value[], attributes?: Attributes): Value;
  microsoft(opType: string, inputs: readonly Value[], attributes?: Attributes): Value;
  /** Adds a node with several results; those that are not kept are left out of the node, and empty here. */
  opWithResults(opType: string, inputs: readonly Value[], kept: readonly boolean[], attributes?: Attributes): Value[];
  microsoftWithResults(
    opType: string,
    inputs: readonly Value[],
    kept: readonly boolean[],
    attributes?: Attributes,
  ): Value[];
  scalar(value: number): Value;
  filled(value: number, shape: readonly number[]): Value;
  integers(values: readonly number[]): Value;
}

const MICROSOFT = 'com.microsoft';

/** Opens an empty graph. */
export function createGraph(): Graph {
  const nodes: OnnxNode[] = [];
  const constants = new Map<Value, OnnxTensor>();
  const constant = (name: Value, dims: readonly number[], dataType: number, values: ArrayBufferView): Value => {
    constants.set(name, { name, dims, dataType, rawData: new Uint8Array(values.buffer) });
    return name;
  };
  const add =
    (domain: string) =>
    (opType: string, inputs: readonly Value[], kept: readonly boolean[], attributes: Attributes = {}): Value[] => {
      const output = kept.map((isKept, i) => (isKept ? `v${nodes.length}_${i}` : ''));
      const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
      nodes.push({ name: `n${nodes.length}`, opType, domain, input: inputs, output, attribute });
      return output;
    };
  const [ofOnnx, ofMicrosoft] = [add(''), add(MICROSOFT)];
  return {
    nodes,
    constants,
    op: (opType, inputs, attributes) => ofOnnx(opType, inputs, [true], attributes)[0]!,
    microsoft: (opType, inputs, attributes) => ofMicrosoft(opType, inputs, [true], attributes)[0]!,
    opWithResults: ofOnnx,
    microsoftWithResults: ofMicrosoft,
    scalar: (value) => constant(`s${value}`, [], ONNX_TYPE.float32, Float32Array.of(value)),
    filled: (value, shape) =>
      constant(
        `f${value}_${shape.join()}`,
        shape,
        ONNX_TYPE.float32,
        new Float32Array(elementCount(shape)).fill(value),
      ),
    integers: (values) =>
      constant(`i${values.join()}`, [values.length], ONNX_TYPE.int64, BigInt64Array.from(values, BigInt)),
  };
}

function attributeOf(name: string, value: Attributes[string]): OnnxNode['attribute'][number] {
  if (typeof value === 'number') return { name, type: ONNX_ATTRIBUTE.int, i: value };
  if ('f' in value) return { name, type: ONNX_ATTRIBUTE.float, f: value.f };
  return { name, type: ONNX_ATTRIBUTE.ints, ints: value };
}
