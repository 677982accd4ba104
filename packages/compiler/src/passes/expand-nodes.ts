/**
 * Replaces nodes by the programs that say what they do. Pure: whoever calls it brings the bodies. The values of a body are
 * appended to the program, so ids that stood before stay valid.
 */
import { TrainingError } from '@facet/shared';
import type { Constant, Program, ProgramNode, ValueId, ValueType } from '../program/program.js';

/**
 * Expands every node that has a body. A body's inputs and outputs correspond to those of the node, in order.
 *
 * @throws TrainingError INTERNAL when a body does not fit its node.
 */
export function expandNodes(program: Program, bodyOf: (node: ProgramNode) => Program | undefined): Program {
  const values: ValueType[] = [...program.values];
  const constants = new Map<ValueId, Constant>(program.constants);
  const nodes: ProgramNode[] = [];
  const renames = new Map<ValueId, ValueId>();
  const renamed = (id: ValueId): ValueId => renames.get(id) ?? id;
  for (const original of program.nodes) {
    const node = { ...original, inputs: original.inputs.map(renamed) };
    const body = bodyOf(original);
    if (body === undefined) {
      nodes.push(node);
      continue;
    }
    requireFit(program, original, body);
    const local = new Map<ValueId, ValueId>(body.inputs.map(({ id }, i) => [id, node.inputs[i]!]));
    const adopt = (id: ValueId): ValueId => {
      const known = local.get(id);
      if (known !== undefined) return known;
      const adopted = values.push(body.values[id]!) - 1;
      local.set(id, adopted);
      const constant = body.constants.get(id);
      if (constant !== undefined) constants.set(adopted, constant);
      return adopted;
    };
    for (const inner of body.nodes) {
      nodes.push({ op: inner.op, inputs: inner.inputs.map(adopt), outputs: inner.outputs.map(adopt) });
    }
    body.outputs.forEach(({ id }, i) => renames.set(node.outputs[i]!, adopt(id)));
  }
  const outputs = program.outputs.map(({ name, id }) => ({ name, id: renamed(id) }));
  return { ...program, values, constants, nodes, outputs };
}

function requireFit(program: Program, { op, inputs, outputs }: ProgramNode, body: Program): void {
  const describe = (of: Program, ids: readonly ValueId[]): string =>
    ids.map((id) => `${of.values[id]!.dtype}[${of.values[id]!.shape.join(', ')}]`).join(' ');
  const signature = (of: Program, from: readonly ValueId[], to: readonly ValueId[]): string =>
    `${describe(of, from)} -> ${describe(of, to)}`;
  const ids = (named: Program['inputs']): ValueId[] => named.map(({ id }) => id);
  const [expected, actual] = [
    signature(program, inputs, outputs),
    signature(body, ids(body.inputs), ids(body.outputs)),
  ];
  if (expected === actual) return;
  throw new TrainingError('INTERNAL', `the body of ${op.kind} is ${actual}, expected ${expected}`);
}
