/**
 * Drops what no output depends on. Inputs stay: they are the program's signature.
 */
import type { ProgramNode } from '../program/program.js';
import type { Pass } from './pass.js';

/** Drops nodes and constants that no output depends on. */
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
