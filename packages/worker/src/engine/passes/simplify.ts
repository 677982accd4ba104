/**
 * Rewrites of a program. Each pass is a pure function from program to program that keeps its meaning; `optimise` runs
 * them until nothing changes. A pass only ever renames values and appends new ones, so ids stay valid throughout.
 */
import {
  elementCount,
  type Constant,
  type NamedValue,
  type Op,
  type Program,
  type ProgramNode,
  type ValueId,
  type ValueType,
} from '../program/program.js';

export type Pass = (program: Program) => Program;

/** Runs all passes until the number of nodes settles. */
export const optimise: Pass = (program) => {
  let current = eliminateDeadNodes(program);
  for (;;) {
    const next = eliminateDeadNodes(shareCommonNodes(simplify(current)));
    if (next.nodes.length === current.nodes.length) return next;
    current = next;
  }
};

/** Drops nodes and constants that no output depends on. Inputs stay: they are the program's signature. */
export const eliminateDeadNodes: Pass = (program) => {
  const live = new Set(program.outputs.map((output) => output.id));
  const nodes: ProgramNode[] = [];
  for (const node of [...program.nodes].reverse()) {
    if (!node.outputs.some((id) => live.has(id))) continue;
    nodes.push(node);
    for (const id of node.inputs) live.add(id);
  }
  const constants = new Map([...program.constants].filter(([id]) => live.has(id)));
  return { ...program, nodes: nodes.reverse(), constants };
};

/** Computes a node with the same operation on the same inputs once. */
export const shareCommonNodes: Pass = (program) => {
  const seen = new Map<string, readonly ValueId[]>();
  const constantIds = new Map<string, ValueId>();
  const rename = new Map<ValueId, ValueId>();
  const renamed = (id: ValueId): ValueId => rename.get(id) ?? id;
  for (const [id, constant] of program.constants) {
    if (constant.kind !== 'fill') continue;
    const key = JSON.stringify([program.values[id], String(constant.value)]);
    const first = constantIds.get(key);
    if (first === undefined) constantIds.set(key, id);
    else rename.set(id, first);
  }
  const nodes: ProgramNode[] = [];
  for (const node of program.nodes) {
    const inputs = node.inputs.map(renamed);
    const key = JSON.stringify([node.op, inputs, node.outputs.map((id) => program.values[id])]);
    const earlier = seen.get(key);
    if (earlier === undefined) {
      seen.set(key, node.outputs);
      nodes.push({ ...node, inputs });
    } else {
      node.outputs.forEach((id, i) => rename.set(id, earlier[i]!));
    }
  }
  return { ...program, nodes, outputs: renameOutputs(program.outputs, renamed) };
};

function renameOutputs(outputs: readonly NamedValue[], renamed: (id: ValueId) => ValueId): NamedValue[] {
  return outputs.map(({ name, id }) => ({ name, id: renamed(id) }));
}

/** What a rule may do with a node: use a value instead, compute something else instead, or leave it. */
type Rewrite =
  | { readonly kind: 'value'; readonly id: ValueId }
  | { readonly kind: 'constant'; readonly constant: Constant }
  | { readonly kind: 'node'; readonly op: Op; readonly inputs: readonly ValueId[] }
  | undefined;

interface RuleContext {
  readonly typeOf: (id: ValueId) => ValueType;
  /** The repeated number of a fill constant, or undefined. */
  readonly fillOf: (id: ValueId) => number | undefined;
  readonly constantOf: (id: ValueId) => Constant | undefined;
  readonly producerOf: (id: ValueId) => ProgramNode | undefined;
}

/** Applies algebraic identities, merges chains of reshapes and transposes, and folds constants. */
export const simplify: Pass = (program) => {
  const rename = new Map<ValueId, ValueId>();
  const renamed = (id: ValueId): ValueId => rename.get(id) ?? id;
  const constants = new Map(program.constants);
  const producers = new Map<ValueId, ProgramNode>();
  const context: RuleContext = {
    typeOf: (id) => program.values[id]!,
    constantOf: (id) => constants.get(id),
    fillOf: (id) => {
      const constant = constants.get(id);
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
    } else if (rewrite?.kind === 'constant') {
      constants.set(node.outputs[0]!, rewrite.constant);
    } else {
      const kept = rewrite === undefined ? node : { ...node, op: rewrite.op, inputs: rewrite.inputs };
      nodes.push(kept);
      for (const id of kept.outputs) producers.set(id, kept);
    }
  }
  return { ...program, nodes, constants, outputs: renameOutputs(program.outputs, renamed) };
};

function simplifyNode(node: ProgramNode, context: RuleContext): Rewrite {
  const result = context.typeOf(node.outputs[0]!);
  const [first, second] = node.inputs as [ValueId, ValueId];
  const keepsType = (id: ValueId): boolean => sameType(context.typeOf(id), result);

  switch (node.op.kind) {
    case 'add':
      if (context.fillOf(second) === 0 && keepsType(first)) return { kind: 'value', id: first };
      if (context.fillOf(first) === 0 && keepsType(second)) return { kind: 'value', id: second };
      return foldBinary(node, context, (a, b) => a + b);
    case 'sub':
      if (context.fillOf(second) === 0 && keepsType(first)) return { kind: 'value', id: first };
      return foldBinary(node, context, (a, b) => a - b);
    case 'mul':
      if (context.fillOf(second) === 1 && keepsType(first)) return { kind: 'value', id: first };
      if (context.fillOf(first) === 1 && keepsType(second)) return { kind: 'value', id: second };
      return expandInstead(node, context) ?? foldBinary(node, context, (a, b) => a * b);
    case 'div':
      if (context.fillOf(second) === 1 && keepsType(first)) return { kind: 'value', id: first };
      return foldBinary(node, context, (a, b) => a / b);
    case 'pow':
      if (context.fillOf(second) === 1 && keepsType(first)) return { kind: 'value', id: first };
      if (context.fillOf(second) === 2 && keepsType(first))
        return { kind: 'node', op: { kind: 'mul' }, inputs: [first, first] };
      if (context.fillOf(second) === 0.5 && keepsType(first))
        return { kind: 'node', op: { kind: 'sqrt' }, inputs: [first] };
      return foldBinary(node, context, Math.pow);
    case 'neg':
      return foldUnary(first, context, (x) => -x);
    case 'sqrt':
      return foldUnary(first, context, Math.sqrt);
    case 'reciprocal':
      return foldUnary(first, context, (x) => 1 / x);
    case 'cast':
      return keepsType(first) ? { kind: 'value', id: first } : foldUnary(first, context, (x) => x);
    case 'expand':
      return keepsType(first) ? { kind: 'value', id: first } : foldUnary(first, context, (x) => x);
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
  if (context.fillOf(b) === 1 && context.constantOf(a) === undefined)
    return { kind: 'node', op: { kind: 'expand' }, inputs: [a] };
  if (context.fillOf(a) === 1 && context.constantOf(b) === undefined)
    return { kind: 'node', op: { kind: 'expand' }, inputs: [b] };
  return undefined;
}

function foldUnary(input: ValueId, context: RuleContext, compute: (x: number) => number): Rewrite {
  const value = context.fillOf(input);
  return value === undefined
    ? undefined
    : { kind: 'constant', constant: { kind: 'fill', value: Math.fround(compute(value)) } };
}

function foldBinary(node: ProgramNode, context: RuleContext, compute: (a: number, b: number) => number): Rewrite {
  const [a, b] = node.inputs.map((id) => context.fillOf(id));
  if (a === undefined || b === undefined) return undefined;
  return { kind: 'constant', constant: { kind: 'fill', value: Math.fround(compute(a, b)) } };
}

function simplifyReshape(input: ValueId, result: ValueType, context: RuleContext): Rewrite {
  if (sameType(context.typeOf(input), result)) return { kind: 'value', id: input };
  const constant = context.constantOf(input);
  if (constant !== undefined) return { kind: 'constant', constant };
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
