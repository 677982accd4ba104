/**
 * Applies algebraic identities and merges chains of reshapes and transposes. One rule looks at one node and at what computed
 * its inputs; what a rewrite makes possible is for the next turn. Folding of constants is a pass of its own.
 */
import { elementCount, type Op, type ProgramNode, type ValueId, type ValueType } from '../program/program.js';
import { renameOutputs, type Pass } from './pass.js';

/** What a rule may do with a node: use a value instead, compute something else instead, or leave it. */
type Rewrite =
  | { readonly kind: 'value'; readonly id: ValueId }
  | { readonly kind: 'node'; readonly op: Op; readonly inputs: readonly ValueId[] }
  | undefined;

interface RuleContext {
  readonly typeOf: (id: ValueId) => ValueType;
  /** The repeated number of a fill constant, or undefined. */
  readonly fillOf: (id: ValueId) => number | undefined;
  readonly producerOf: (id: ValueId) => ProgramNode | undefined;
}

/** Applies the rules to every node once, in order. */
export const simplify: Pass = (program) => {
  const rename = new Map<ValueId, ValueId>();
  const renamed = (id: ValueId): ValueId => rename.get(id) ?? id;
  const producers = new Map<ValueId, ProgramNode>();
  const context: RuleContext = {
    typeOf: (id) => program.values[id]!,
    fillOf: (id) => {
      const constant = program.constants.get(id);
      return constant?.kind === 'fill' ? constant.value : undefined;
    },
    producerOf: (id) => producers.get(id),
  };
  const nodes: ProgramNode[] = [];
  for (const original of program.nodes) {
    const node = { ...original, inputs: original.inputs.map(renamed) };
    const rewrite = node.outputs.length === 1 ? simplifyNode(node, context) : undefined;
    if (rewrite?.kind === 'value') {
      rename.set(node.outputs[0]!, rewrite.id);
    } else {
      const kept = rewrite === undefined ? node : { ...node, op: rewrite.op, inputs: rewrite.inputs };
      nodes.push(kept);
      for (const id of kept.outputs) producers.set(id, kept);
    }
  }
  return { ...program, nodes, outputs: renameOutputs(program.outputs, renamed) };
};

function simplifyNode(node: ProgramNode, context: RuleContext): Rewrite {
  const result = context.typeOf(node.outputs[0]!);
  const [first, second] = node.inputs as [ValueId, ValueId];
  const keepsType = (id: ValueId): boolean => sameType(context.typeOf(id), result);

  switch (node.op.kind) {
    case 'add':
      if (context.fillOf(second) === 0 && keepsType(first)) return { kind: 'value', id: first };
      if (context.fillOf(first) === 0 && keepsType(second)) return { kind: 'value', id: second };
      return undefined;
    case 'sub':
      if (context.fillOf(second) === 0 && keepsType(first)) return { kind: 'value', id: first };
      return undefined;
    case 'mul':
      if (context.fillOf(second) === 1 && keepsType(first)) return { kind: 'value', id: first };
      if (context.fillOf(first) === 1 && keepsType(second)) return { kind: 'value', id: second };
      return expandInstead(node, context);
    case 'div':
      if (context.fillOf(second) === 1 && keepsType(first)) return { kind: 'value', id: first };
      return undefined;
    case 'pow':
      if (context.fillOf(second) === 1 && keepsType(first)) return { kind: 'value', id: first };
      if (context.fillOf(second) === 2 && keepsType(first))
        return { kind: 'node', op: { kind: 'mul' }, inputs: [first, first] };
      if (context.fillOf(second) === 0.5 && keepsType(first))
        return { kind: 'node', op: { kind: 'sqrt' }, inputs: [first] };
      return undefined;
    case 'cast':
    case 'expand':
    case 'slice':
    case 'pad':
      return keepsType(first) ? { kind: 'value', id: first } : undefined;
    case 'concat':
      return node.inputs.length === 1 ? { kind: 'value', id: first } : undefined;
    case 'reshape':
      return simplifyReshape(first, result, context);
    case 'transpose':
      return simplifyTranspose(node.op.permutation, first, context);
    case 'reduceSum':
    case 'reduceMean':
    case 'reduceMax':
      if (elementCount(context.typeOf(first).shape) === elementCount(result.shape)) {
        return keepsType(first)
          ? { kind: 'value', id: first }
          : { kind: 'node', op: { kind: 'reshape' }, inputs: [first] };
      }
      return undefined;
    case 'matMul':
      return simplifyMatMul(node.op, first, second, context);
    default:
      return undefined;
  }
}

function sameType(a: ValueType, b: ValueType): boolean {
  return a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((size, i) => size === b.shape[i]);
}

/** Multiplying by a field of ones only broadcasts; the gradient of a sum is written that way by tfjs. */
function expandInstead(node: ProgramNode, context: RuleContext): Rewrite {
  const [a, b] = node.inputs as [ValueId, ValueId];
  if (context.fillOf(b) === 1) return { kind: 'node', op: { kind: 'expand' }, inputs: [a] };
  if (context.fillOf(a) === 1) return { kind: 'node', op: { kind: 'expand' }, inputs: [b] };
  return undefined;
}

function simplifyReshape(input: ValueId, result: ValueType, context: RuleContext): Rewrite {
  if (sameType(context.typeOf(input), result)) return { kind: 'value', id: input };
  const producer = context.producerOf(input);
  if (producer?.op.kind !== 'reshape') return undefined;
  const source = producer.inputs[0]!;
  return sameType(context.typeOf(source), result)
    ? { kind: 'value', id: source }
    : { kind: 'node', op: { kind: 'reshape' }, inputs: [source] };
}

function simplifyTranspose(permutation: readonly number[], input: ValueId, context: RuleContext): Rewrite {
  if (permutation.every((axis, i) => axis === i)) return { kind: 'value', id: input };
  const producer = context.producerOf(input);
  if (producer?.op.kind !== 'transpose') return undefined;
  const inner = producer.op.permutation;
  const merged = permutation.map((axis) => inner[axis]!);
  const source = producer.inputs[0]!;
  return merged.every((axis, i) => axis === i)
    ? { kind: 'value', id: source }
    : { kind: 'node', op: { kind: 'transpose', permutation: merged }, inputs: [source] };
}

/** Reads through a transpose of the last two axes: the product takes it as a flag. */
function simplifyMatMul(op: Extract<Op, { kind: 'matMul' }>, a: ValueId, b: ValueId, context: RuleContext): Rewrite {
  const left = throughTranspose(a, context);
  const right = throughTranspose(b, context);
  if (left === undefined && right === undefined) return undefined;
  return {
    kind: 'node',
    op: {
      kind: 'matMul',
      transposeA: op.transposeA !== (left !== undefined),
      transposeB: op.transposeB !== (right !== undefined),
    },
    inputs: [left ?? a, right ?? b],
  };
}

function throughTranspose(id: ValueId, context: RuleContext): ValueId | undefined {
  const producer = context.producerOf(id);
  if (producer?.op.kind !== 'transpose') return undefined;
  const { permutation } = producer.op;
  const rank = permutation.length;
  const swapsLastTwo = permutation.every(
    (axis, i) => axis === (i < rank - 2 ? i : i === rank - 2 ? rank - 1 : rank - 2),
  );
  return swapsLastTwo ? producer.inputs[0]! : undefined;
}
