/**
 * What a program costs, counted from its nodes: operations of its matrix products, and the memory that its intermediate
 * values take. Pure arithmetic; what it takes in time is for the bench to say.
 */
import { elementCount, type DType, type Program, type ProgramNode, type ValueId } from './program.js';

export interface ProgramCost {
  /** Floating-point operations of all matrix products, a multiplication and an addition counted as two. */
  readonly matMulFlops: number;
  /** Bytes of all values that nodes compute; a reshape shares the memory of what it reads. */
  readonly activationBytes: number;
  /** The most bytes of them that are needed at one time, when nodes run in order. */
  readonly peakActivationBytes: number;
  readonly constantBytes: number;
}

const BYTES: Record<DType, number> = { float32: 4, int32: 4, bool: 1 };

/** Counts the cost of a program. */
export function programCost(program: Program): ProgramCost {
  const bytesOf = (id: ValueId): number => {
    const { shape, dtype } = program.values[id]!;
    return elementCount(shape) * BYTES[dtype];
  };
  let constantBytes = 0;
  for (const [id, constant] of program.constants) {
    constantBytes += constant.kind === 'fill' ? BYTES[program.values[id]!.dtype] : bytesOf(id);
  }
  return {
    matMulFlops: program.nodes.reduce((sum, node) => sum + nodeFlops(node, program), 0),
    ...activationBytes(program, bytesOf),
    constantBytes,
  };
}

function nodeFlops({ op, inputs, outputs }: ProgramNode, { values }: Program): number {
  if (op.kind !== 'matMul') return 0;
  const left = values[inputs[0]!]!.shape;
  const inner = op.transposeA ? left.at(-2)! : left.at(-1)!;
  return 2 * inner * elementCount(values[outputs[0]!]!.shape);
}

function activationBytes(
  { nodes, outputs }: Program,
  bytesOf: (id: ValueId) => number,
): Pick<ProgramCost, 'activationBytes' | 'peakActivationBytes'> {
  // A chain of reshapes is one piece of memory, named by the value at its start.
  const owners = new Map<ValueId, ValueId>();
  const lastUse = new Map<ValueId, number>();
  const ownerOf = (id: ValueId): ValueId => owners.get(id) ?? id;
  nodes.forEach((node, index) => {
    if (node.op.kind === 'reshape') owners.set(node.outputs[0]!, ownerOf(node.inputs[0]!));
    for (const id of [...node.inputs, ...node.outputs]) lastUse.set(ownerOf(id), index);
  });
  for (const { id } of outputs) lastUse.set(ownerOf(id), nodes.length);

  let total = 0;
  let live = 0;
  let peak = 0;
  const endingAt = new Map<number, ValueId[]>();
  nodes.forEach((node, index) => {
    for (const id of node.outputs) {
      if (ownerOf(id) !== id) continue;
      total += bytesOf(id);
      live += bytesOf(id);
      const end = lastUse.get(id)!;
      endingAt.set(end, [...(endingAt.get(end) ?? []), id]);
    }
    peak = Math.max(peak, live);
    for (const id of endingAt.get(index) ?? []) live -= bytesOf(id);
  });
  return { activationBytes: total, peakActivationBytes: peak };
}
