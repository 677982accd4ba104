/**
 * Runs the passes until none of them changes the program any more.
 */
import type { Program } from '../program/program.js';
import { shareCommonNodes } from './common-nodes.js';
import { eliminateDeadNodes } from './dead-nodes.js';
import { foldConstants } from './fold-constants.js';
import type { Pass } from './pass.js';
import { reshapeLast } from './reshape-last.js';
import { simplify } from './simplify.js';

/** Runs all passes to their common fixed point. */
export const optimise: Pass = (program) => {
  let current = eliminateDeadNodes(program);
  for (;;) {
    const next = eliminateDeadNodes(shareCommonNodes(reshapeLast(simplify(foldConstants(current)))));
    if (isSame(current, next)) return next;
    current = next;
  }
};

/** Passes rewrite nodes, rename outputs and add values and constants, and touch nothing else. */
function isSame(a: Program, b: Program): boolean {
  const keyOf = ({ nodes, outputs, constants }: Program): string =>
    JSON.stringify([nodes, outputs, [...constants.keys()]]);
  return a.nodes.length === b.nodes.length && keyOf(a) === keyOf(b);
}
