/**
 * Appends nodes to a program by what they compute: each function works out the type of its result. For kernels that are
 * composed of several nodes.
 */
import * as tf from '@tensorflow/tfjs';
import type { ProgramBuilder } from '../program/program-builder.js';
import type { BinaryOp, DType, Op, UnaryOp, ValueId } from '../program/program.js';

const COMPARISONS: ReadonlySet<BinaryOp> = new Set(['equal', 'greater', 'greaterEqual', 'less', 'lessEqual']);

export class NodeMaker {
  private readonly builder: ProgramBuilder;

  constructor(builder: ProgramBuilder) {
    this.builder = builder;
  }

  shapeOf(id: ValueId): readonly number[] {
    return this.builder.typeOf(id).shape;
  }

  /** A float32 scalar. */
  scalar(value: number): ValueId {
    return this.builder.constant({ shape: [], dtype: 'float32' }, { kind: 'fill', value });
  }

  /** A row-major constant. */
  constant(shape: readonly number[], values: Float32Array | Int32Array): ValueId {
    const dtype = values instanceof Float32Array ? 'float32' : 'int32';
    return this.builder.constant({ shape, dtype }, { kind: 'dense', values });
  }

  unary(kind: UnaryOp, x: ValueId): ValueId {
    return this.builder.node({ kind }, [x], this.builder.typeOf(x));
  }

  /** The operands broadcast. */
  binary(kind: BinaryOp, a: ValueId, b: ValueId): ValueId {
    const shape = this.broadcast(a, b);
    const dtype = COMPARISONS.has(kind) ? 'bool' : this.builder.typeOf(a).dtype;
    return this.builder.node({ kind }, [a, b], { shape, dtype });
  }

  add(a: ValueId, b: ValueId): ValueId {
    return this.binary('add', a, b);
  }

  mul(a: ValueId, b: ValueId): ValueId {
    return this.binary('mul', a, b);
  }

  /** The sum of one or more values, added in their order. */
  sum(terms: readonly ValueId[]): ValueId {
    return terms.reduce((sum, term) => this.add(sum, term));
  }

  select(condition: ValueId, yes: ValueId, no: ValueId): ValueId {
    const shapes = [condition, yes, no].map((id) => [...this.shapeOf(id)]);
    const shape = shapes.reduce((a, b) => tf.backend_util.assertAndGetBroadcastShape(a, b));
    return this.builder.node({ kind: 'select' }, [condition, yes, no], {
      shape,
      dtype: this.builder.typeOf(yes).dtype,
    });
  }

  cast(x: ValueId, dtype: DType): ValueId {
    return this.builder.node({ kind: 'cast' }, [x], { shape: this.shapeOf(x), dtype });
  }

  reshape(x: ValueId, shape: readonly number[]): ValueId {
    return this.moved({ kind: 'reshape' }, x, shape);
  }

  transpose(x: ValueId, permutation: readonly number[]): ValueId {
    const shape = this.shapeOf(x);
    return this.moved(
      { kind: 'transpose', permutation },
      x,
      permutation.map((axis) => shape[axis]!),
    );
  }

  slice(x: ValueId, begin: readonly number[], size: readonly number[], stride?: readonly number[]): ValueId {
    const isDense = stride === undefined || stride.every((step) => step === 1);
    return this.moved({ kind: 'slice', begin, ...(isDense ? {} : { stride }) }, x, size);
  }

  pad(x: ValueId, before: readonly number[], after: readonly number[], value = 0): ValueId {
    const shape = this.shapeOf(x).map((size, i) => before[i]! + size + after[i]!);
    return this.moved({ kind: 'pad', before, after, value }, x, shape);
  }

  concat(parts: readonly ValueId[], axis: number): ValueId {
    const { shape, dtype } = this.builder.typeOf(parts[0]!);
    const length = parts.reduce((sum, part) => sum + this.shapeOf(part)[axis]!, 0);
    const joined = shape.map((size, i) => (i === axis ? length : size));
    return this.builder.node({ kind: 'concat', axis }, parts, { shape: joined, dtype });
  }

  /** Rows of an axis by a list of indices that is known now. */
  gather(x: ValueId, axis: number, indices: readonly number[]): ValueId {
    const { shape, dtype } = this.builder.typeOf(x);
    const list = this.constant([indices.length], Int32Array.from(indices));
    const gathered = shape.map((size, i) => (i === axis ? indices.length : size));
    return this.builder.node({ kind: 'gather', axis }, [x, list], { shape: gathered, dtype });
  }

  /** Leading axes broadcast. */
  matMul(a: ValueId, b: ValueId, transposeA = false, transposeB = false): ValueId {
    const [left, right] = [this.shapeOf(a), this.shapeOf(b)];
    const batch = tf.backend_util.assertAndGetBroadcastShape(left.slice(0, -2), right.slice(0, -2));
    const rows = left.at(transposeA ? -1 : -2)!;
    const columns = right.at(transposeB ? -2 : -1)!;
    const op = { kind: 'matMul', transposeA, transposeB } as const;
    return this.builder.node(op, [a, b], { shape: [...batch, rows, columns], dtype: 'float32' });
  }

  /** The sums over the rows of [rows, width], as a product with ones: [width]. */
  columnSums(x: ValueId): ValueId {
    const [rows, width] = this.shapeOf(x) as [number, number];
    const ones = this.builder.constant({ shape: [1, rows], dtype: 'float32' }, { kind: 'fill', value: 1 });
    return this.reshape(this.matMul(ones, x), [width]);
  }

  private moved(op: Op, x: ValueId, shape: readonly number[]): ValueId {
    return this.builder.node(op, [x], { shape, dtype: this.builder.typeOf(x).dtype });
  }

  private broadcast(a: ValueId, b: ValueId): number[] {
    return tf.backend_util.assertAndGetBroadcastShape([...this.shapeOf(a)], [...this.shapeOf(b)]);
  }
}
