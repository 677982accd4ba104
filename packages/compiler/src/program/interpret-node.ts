/**
 * What every primitive operation means, in float64: one entry per kind, straight from its definition. It is what passes,
 * engines and gradients are checked against, and what constants are folded with, so it is written to be right, not fast.
 */
import { TrainingError } from '@facet/shared';
import { BINARY_FUNCTIONS, UNARY_FUNCTIONS } from './elementwise.js';
import { elementCount, type BinaryOp, type Op, type PrimitiveOp, type UnaryOp, type ValueType } from './program.js';
import { elementAt, fillArray, type RealArray } from './real-array.js';

export type PrimitiveKind = PrimitiveOp['kind'];

/** The member of PrimitiveOp that has a kind. */
type OpOf<Kind extends PrimitiveKind, Member = PrimitiveOp> = Member extends PrimitiveOp
  ? Kind extends Member['kind']
    ? Member
    : never
  : never;

/** Computes the results of a node from its inputs. `shape` is that of the first result. */
type Evaluate<Kind extends PrimitiveKind> = (
  inputs: readonly RealArray[],
  op: OpOf<Kind>,
  shape: readonly number[],
) => readonly RealArray[];

type Table<Kinds extends PrimitiveKind> = { readonly [Kind in Kinds]: Evaluate<Kind> };

/** Whether an operation is one that the interpreter knows, and not a coarse one. */
export function isPrimitive(op: Op): op is PrimitiveOp {
  return Object.hasOwn(EVALUATORS, op.kind);
}

/**
 * Computes the results of one node. Float32 results keep their float64 precision; int32 results are truncated towards zero,
 * bool results are 0 and 1.
 *
 * @throws TrainingError INTERNAL for a coarse operation, an index out of range, or a result that does not have its type.
 */
export function interpretNode(op: Op, inputs: readonly RealArray[], types: readonly ValueType[]): RealArray[] {
  if (!isPrimitive(op)) {
    throw new TrainingError('INTERNAL', `${op.kind} is a coarse operation; lower the program before it is interpreted`);
  }
  const evaluate = EVALUATORS[op.kind] as Evaluate<PrimitiveKind>;
  const results = evaluate(inputs, op, types[0]!.shape);
  return types.map((type, i) => {
    const values = results[i]?.values;
    if (values?.length !== elementCount(type.shape)) {
      throw new TrainingError(
        'INTERNAL',
        `result ${i} of ${op.kind} has ${values?.length ?? 'no'} elements, its type [${type.shape.join(', ')}] has ${elementCount(type.shape)}`,
      );
    }
    return { shape: type.shape, values: values.map(CONVERSIONS[type.dtype]) };
  });
}

const CONVERSIONS: Readonly<Record<ValueType['dtype'], (x: number) => number>> = {
  float32: (x) => x,
  int32: (x) => x | 0,
  bool: (x) => (x === 0 ? 0 : 1),
};

const unary: Evaluate<UnaryOp> = ([x], { kind }) => {
  const compute = UNARY_FUNCTIONS[kind];
  return [{ shape: x!.shape, values: x!.values.map((value) => compute(value)) }];
};

const binary: Evaluate<BinaryOp> = ([a, b], { kind }, shape) => {
  const compute = BINARY_FUNCTIONS[kind];
  return [fillArray(shape, (at) => compute(elementAt(a!, at), elementAt(b!, at)))];
};

const reduce =
  (from: number, add: (sum: number, value: number) => number, finish: (sum: number, count: number) => number) =>
  ([x]: readonly RealArray[], { axes }: OpOf<'reduceSum'>): readonly RealArray[] => {
    const kept = x!.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const reduced = x!.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
    const along = fillArray(kept, (start) => {
      let sum = from;
      fillArray(
        reduced,
        (offset) =>
          (sum = add(
            sum,
            elementAt(
              x!,
              offset.map((o, axis) => o + start[axis]!),
            ),
          )),
      );
      return finish(sum, elementCount(reduced));
    });
    return [along];
  };

/** Replaces every row along the last axis by a function of it. */
function mapRows(x: RealArray, compute: (row: Float64Array) => Float64Array): RealArray {
  const width = x.shape.at(-1)!;
  const values = new Float64Array(x.values.length);
  for (let start = 0; start < values.length; start += width) {
    values.set(compute(x.values.subarray(start, start + width)), start);
  }
  return { shape: x.shape, values };
}

const sumOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);

function logSoftmax(row: Float64Array): Float64Array {
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const logSum = Math.log(sumOf(row.map((value) => Math.exp(value - largest))));
  return row.map((value) => value - largest - logSum);
}

const copy: Evaluate<'reshape' | 'cast'> = ([x]) => [x!];

const EVALUATORS: Table<PrimitiveKind> = {
  neg: unary,
  exp: unary,
  log: unary,
  sqrt: unary,
  reciprocal: unary,
  abs: unary,
  sign: unary,
  sigmoid: unary,
  tanh: unary,
  erf: unary,
  relu: unary,
  gelu: unary,
  sin: unary,
  cos: unary,

  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  pow: binary,
  maximum: binary,
  minimum: binary,
  equal: binary,
  greater: binary,
  greaterEqual: binary,
  less: binary,
  lessEqual: binary,

  reduceSum: reduce(
    0,
    (sum, value) => sum + value,
    (sum) => sum,
  ),
  reduceMean: reduce(
    0,
    (sum, value) => sum + value,
    (sum, count) => sum / count,
  ),
  reduceMax: reduce(-Infinity, Math.max, (largest) => largest),

  softmax: ([x]) => [mapRows(x!, (row) => logSoftmax(row).map(Math.exp))],
  logSoftmax: ([x]) => [mapRows(x!, logSoftmax)],

  layerNorm([x, gain, bias], { epsilon }) {
    const momentShape = [...x!.shape.slice(0, -1), 1];
    const means: number[] = [];
    const reciprocalDeviations: number[] = [];
    const normalised = mapRows(x!, (row) => {
      const mean = sumOf(row) / row.length;
      const variance = sumOf(row.map((value) => (value - mean) ** 2)) / row.length;
      const reciprocalDeviation = 1 / Math.sqrt(variance + epsilon);
      means.push(mean);
      reciprocalDeviations.push(reciprocalDeviation);
      return row.map((value, i) => (value - mean) * reciprocalDeviation * gain!.values[i]! + bias!.values[i]!);
    });
    const moments = (values: number[]): RealArray => ({ shape: momentShape, values: Float64Array.from(values) });
    return [normalised, moments(means), moments(reciprocalDeviations)];
  },

  matMul([a, b], { transposeA, transposeB }, shape) {
    const inner = transposeA ? a!.shape.at(-2)! : a!.shape.at(-1)!;
    const product = fillArray(shape, (position) => {
      const batch = position.slice(0, -2);
      const [row, column] = position.slice(-2) as [number, number];
      let sum = 0;
      for (let k = 0; k < inner; k++) {
        const left = elementAt(a!, [...batch, ...(transposeA ? [k, row] : [row, k])]);
        sum += left * elementAt(b!, [...batch, ...(transposeB ? [column, k] : [k, column])]);
      }
      return sum;
    });
    return [product];
  },

  reshape: copy,
  cast: copy,
  expand: ([x], _op, shape) => [fillArray(shape, (at) => elementAt(x!, at))],
  select: ([condition, yes, no], _op, shape) => [
    fillArray(shape, (at) => elementAt(elementAt(condition!, at) === 0 ? no! : yes!, at)),
  ],
  transpose([x], { permutation }, shape) {
    const source = permutation.map(() => 0);
    const moved = fillArray(shape, (position) => {
      permutation.forEach((axis, i) => (source[axis] = position[i]!));
      return elementAt(x!, source);
    });
    return [moved];
  },
  slice: ([x], { begin, stride }, shape) => [
    fillArray(shape, (position) =>
      elementAt(
        x!,
        position.map((at, axis) => at * (stride?.[axis] ?? 1) + begin[axis]!),
      ),
    ),
  ],
  concat(parts, { axis }, shape) {
    const joined = fillArray(shape, (position) => {
      const at = [...position];
      const part = parts.find(({ shape: sizes }) => {
        const isInside = at[axis]! < sizes[axis]!;
        if (!isInside) at[axis]! -= sizes[axis]!;
        return isInside;
      });
      return elementAt(part!, at);
    });
    return [joined];
  },
  pad([x], { before, value }, shape) {
    const padded = fillArray(shape, (position) => {
      const at = position.map((place, axis) => place - before[axis]!);
      return at.every((place, axis) => place >= 0 && place < x!.shape[axis]!) ? elementAt(x!, at) : value;
    });
    return [padded];
  },
  gather([x, indices], { axis }, shape) {
    const rank = indices!.shape.length;
    const gathered = fillArray(shape, (position) => {
      const index = elementAt(indices!, position.slice(axis, axis + rank));
      if (index < 0 || index >= x!.shape[axis]!) {
        throw new TrainingError('INTERNAL', `gather reads row ${index} of ${x!.shape[axis]!}; rows count from 0`);
      }
      return elementAt(x!, [...position.slice(0, axis), index, ...position.slice(axis + rank)]);
    });
    return [gathered];
  },
  argMax([x], { axis }, shape) {
    const first = fillArray(shape, (position) => {
      const valueAt = (i: number): number => elementAt(x!, [...position.slice(0, axis), i, ...position.slice(axis)]);
      let best = 0;
      for (let i = 1; i < x!.shape[axis]!; i++) if (valueAt(i) > valueAt(best)) best = i;
      return best;
    });
    return [first];
  },
};

/** Every kind that the interpreter knows. */
export const PRIMITIVE_KINDS = Object.keys(EVALUATORS) as readonly PrimitiveKind[];
