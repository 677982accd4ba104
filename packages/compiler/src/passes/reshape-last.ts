/**
 * Computes the bias and the relu of a product before the product is reshaped, not after: reshape(x W) + b becomes
 * reshape(x W + b). The numbers are the same. An engine that has one kernel for a product with its bias and relu then finds
 * them side by side; a convolution is such a product (capture/convolution-kernels.ts).
 */
import type { Op, Program, ProgramNode, ValueId, ValueType } from '../program/program.js';
import { renameOutputs, type Pass } from './pass.js';

/** Moves the reshape of a product behind its bias, and behind the relu of that. */
export const reshapeLast: Pass = (program) => {
  const values: ValueType[] = [...program.values];
  const producers = new Map<ValueId, ProgramNode>();
  const rename = new Map<ValueId, ValueId>();
  const renamed = (id: ValueId): ValueId => rename.get(id) ?? id;
  const nodes: ProgramNode[] = [];
  const append = (op: Op, inputs: readonly ValueId[], type: ValueType): ValueId => {
    const id = values.push(type) - 1;
    const node = { op, inputs, outputs: [id] };
    nodes.push(node);
    producers.set(id, node);
    return id;
  };
  for (const original of program.nodes) {
    const node = { ...original, inputs: original.inputs.map(renamed) };
    const matrix = matrixBefore(node, { values, producers });
    if (matrix === undefined) {
      nodes.push(node);
      for (const id of node.outputs) producers.set(id, node);
      continue;
    }
    const [output] = node.outputs as [ValueId];
    const computed = append(node.op, [matrix, ...node.inputs.slice(1)], values[matrix]!);
    rename.set(output, append({ kind: 'reshape' }, [computed], values[output]!));
  }
  return { ...program, values, nodes, outputs: renameOutputs(program.outputs, renamed) } satisfies Program;
};

interface Known {
  readonly values: readonly ValueType[];
  readonly producers: ReadonlyMap<ValueId, ProgramNode>;
}

/** The matrix that the node may be computed on instead of its reshaped form; undefined where it may not. */
function matrixBefore({ op, inputs, outputs }: ProgramNode, { values, producers }: Known): ValueId | undefined {
  if (op.kind !== 'add' && op.kind !== 'relu') return undefined;
  const [reshaped, bias] = inputs as [ValueId, ValueId | undefined];
  const reshape = producers.get(reshaped);
  if (reshape?.op.kind !== 'reshape') return undefined;
  const matrix = reshape.inputs[0]!;
  const [from, to] = [values[matrix]!.shape, values[reshaped]!.shape];
  const width = from[1];
  if (from.length !== 2 || to.length < 3 || to.at(-1) !== width) return undefined;
  const before = producers.get(matrix)?.op.kind;
  if (op.kind === 'relu') return before === 'add' ? matrix : undefined;
  const isBias = bias !== undefined && values[bias]!.shape.join() === String(width);
  const keepsShape = values[outputs[0]!]!.shape.join() === to.join();
  return before === 'matMul' && isBias && keepsShape ? matrix : undefined;
}
