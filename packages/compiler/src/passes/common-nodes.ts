/**
 * Computes the same thing once: fill constants of one type and number, and nodes with the same operation on the same
 * inputs. Dense constants are not compared.
 */
import type { ProgramNode, ValueId } from '../program/program.js';
import { renameOutputs, type Pass } from './pass.js';

/** Computes a node with the same operation on the same inputs once. */
export const shareCommonNodes: Pass = (program) => {
  const seen = new Map<string, readonly ValueId[]>();
  const constantIds = new Map<string, ValueId>();
  const rename = new Map<ValueId, ValueId>();
  const renamed = (id: ValueId): ValueId => rename.get(id) ?? id;
  for (const [id, constant] of program.constants) {
    if (constant.kind !== 'fill') continue;
    const key = keyOf([program.values[id], constant.value]);
    const first = constantIds.get(key);
    if (first === undefined) constantIds.set(key, id);
    else rename.set(id, first);
  }
  const nodes: ProgramNode[] = [];
  for (const node of program.nodes) {
    const inputs = node.inputs.map(renamed);
    const key = keyOf([node.op, inputs, node.outputs.map((id) => program.values[id])]);
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

/** JSON writes NaN and both infinities as null, and -0 as 0: numbers that mean different things need different keys. */
function keyOf(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'number' && (Object.is(item, -0) || !Number.isFinite(item))
      ? `number ${Object.is(item, -0) ? '-0' : item}`
      : item,
  );
}
