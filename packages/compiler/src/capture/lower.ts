/**
 * Lowering: a coarse node becomes the nodes of its composition, which is captured once for each operation and shapes.
 */
import type * as tf from '@tensorflow/tfjs';
import { COARSE_OPS, composeCoarse } from '../ops/coarse-ops.js';
import { expandNodes } from '../passes/expand-nodes.js';
import type { CoarseOp, Op, Program, ProgramNode, ValueId } from '../program/program.js';
import { captureProgram } from './capture.js';

/** Replaces every coarse node. */
export async function lower(program: Program): Promise<Program> {
  const bodies = new Map<string, Program>();
  const keyOf = ({ op, inputs }: ProgramNode): string =>
    JSON.stringify([op, inputs.map((id) => program.values[id]!.shape)]);
  for (const node of program.nodes) {
    const { op } = node;
    if (!isCoarse(op) || bodies.has(keyOf(node))) continue;
    bodies.set(keyOf(node), await captureBody(op, node.inputs, program));
  }
  return expandNodes(program, (node) => (isCoarse(node.op) ? bodies.get(keyOf(node)) : undefined));
}

function isCoarse(op: Op): op is CoarseOp {
  return op.kind in COARSE_OPS;
}

function captureBody(op: CoarseOp, inputs: readonly ValueId[], program: Program): Promise<Program> {
  return captureProgram({
    name: op.kind,
    inputs: inputs.map((id, i) => ({ name: `input${i}`, ...program.values[id]! })),
    build: (tensors) => {
      const results: tf.Tensor[] = composeCoarse(op, [...tensors.values()]);
      return Object.fromEntries(results.map((tensor, i) => [`result${i}`, tensor]));
    },
  });
}
