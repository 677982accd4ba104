/**
 * A program: the static graph of one captured function. Every shape is a number, every constant is in it, and a node only
 * reads values that stand before it. A program is plain data: capture makes it, passes rewrite it, the ONNX writer and the
 * printer read it. It does not run anything.
 */

export type DType = 'float32' | 'int32' | 'bool';

/** Index into `Program.values`. */
export type ValueId = number;

export interface ValueType {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A constant is either one repeated number or a full row-major array. */
export type Constant =
  | { readonly kind: 'fill'; readonly value: number }
  | { readonly kind: 'dense'; readonly values: Float32Array | Int32Array };

export type UnaryOp =
  | 'neg'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'reciprocal'
  | 'abs'
  | 'sign'
  | 'sigmoid'
  | 'tanh'
  | 'erf'
  | 'relu'
  | 'gelu'
  | 'sin'
  | 'cos';

export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'pow'
  | 'maximum'
  | 'minimum'
  | 'equal'
  | 'greater'
  | 'greaterEqual'
  | 'less'
  | 'lessEqual';

/**
 * Operations that an engine may have one kernel for; `lower` replaces the others by what they are made of (ops/coarse-ops.ts).
 * Inputs -> results:
 */
export type CoarseOp =
  /** x [rows, in], weight [in, out], bias [out] -> y [rows, out] */
  | { readonly kind: 'linear' }
  /** dy, x, weight -> dx, dWeight, dBias */
  | { readonly kind: 'linearGradient' }
  /** dy, x -> dx, for the exact GELU */
  | { readonly kind: 'geluGradient' }
  /** dy, x, gain, mean, 1/standard deviation -> dx, dGain, dBias */
  | { readonly kind: 'layerNormGradient' }
  /**
   * query [batch, heads, queries, width], key and value [batch, heads, keys, width], with a bias also bias [heads, queries,
   * keys] -> mixed values, probabilities [batch, heads, queries, keys]
   */
  | { readonly kind: 'attention'; readonly scale: number; readonly hasBias: boolean }
  /** dMixed, query, key, value, mixed, probabilities -> dQuery, dKey, dValue, with a bias also dBias */
  | { readonly kind: 'attentionGradient'; readonly scale: number; readonly hasBias: boolean }
  /** logits [batch, classes], targets [batch, classes], sample weights [batch] -> weighted losses [batch], probabilities */
  | { readonly kind: 'crossEntropy'; readonly labelSmoothing: number }
  /** dLosses [batch], targets, sample weights, probabilities -> dLogits */
  | { readonly kind: 'crossEntropyGradient'; readonly labelSmoothing: number };

export type Op = PrimitiveOp | CoarseOp;

/** What a node does. Shapes of results stand in `Program.values`, so `reshape` and `expand` need no attribute. */
export type PrimitiveOp =
  | { readonly kind: UnaryOp }
  | { readonly kind: BinaryOp }
  | {
      readonly kind: 'reduceSum' | 'reduceMean' | 'reduceMax';
      readonly axes: readonly number[];
      readonly keepDims: boolean;
    }
  | { readonly kind: 'softmax' | 'logSoftmax' }
  /** Both operands have rank >= 2 and broadcast over their leading dimensions. */
  | { readonly kind: 'matMul'; readonly transposeA: boolean; readonly transposeB: boolean }
  | { readonly kind: 'reshape' | 'expand' | 'cast' | 'select' }
  | { readonly kind: 'transpose'; readonly permutation: readonly number[] }
  /** `stride`: every so many-th element of an axis; absent: every element of every axis. */
  | { readonly kind: 'slice'; readonly begin: readonly number[]; readonly stride?: readonly number[] }
  | { readonly kind: 'concat'; readonly axis: number }
  | {
      readonly kind: 'pad';
      readonly before: readonly number[];
      readonly after: readonly number[];
      readonly value: number;
    }
  | { readonly kind: 'gather'; readonly axis: number }
  | { readonly kind: 'argMax'; readonly axis: number }
  /** Inputs x, gain, bias; results y, mean and 1/standard deviation over the last axis. */
  | { readonly kind: 'layerNorm'; readonly epsilon: number };

export type OpKind = Op['kind'];

export interface ProgramNode {
  readonly op: Op;
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
}

export interface NamedValue {
  readonly name: string;
  readonly id: ValueId;
}

export interface Program {
  readonly name: string;
  readonly values: readonly ValueType[];
  readonly inputs: readonly NamedValue[];
  readonly constants: ReadonlyMap<ValueId, Constant>;
  /** In an order in which they can run. */
  readonly nodes: readonly ProgramNode[];
  readonly outputs: readonly NamedValue[];
}

/** The number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** How often each kind of node occurs, most frequent first. */
export function countOps(program: Program): [OpKind, number][] {
  const counts = new Map<OpKind, number>();
  for (const node of program.nodes) counts.set(node.op.kind, (counts.get(node.op.kind) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}
