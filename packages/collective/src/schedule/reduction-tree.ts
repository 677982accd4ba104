/**
 * The reduction tree. Floating-point addition does not associate, so gradients are added along one fixed binary tree over
 * the micro-batches of a step, whoever computed them. A sub-tree (level, index) covers the micro-batches from
 * index * 2^level up to, not including, (index + 1) * 2^level, as far as they exist; a missing right half is skipped.
 */
import { rangeOfRank, type MicroBatchRange, type WorkSplit } from '@facet/shared';
import { addFloats } from '../float-kernels.js';

export interface Subtree {
  readonly level: number;
  readonly index: number;
}

/** The sum over one sub-tree. */
export interface PartialSum {
  readonly subtree: Subtree;
  readonly values: Float32Array;
}

/** The whole step. */
export function rootOf(microBatches: number): Subtree {
  return { level: Math.ceil(Math.log2(Math.max(1, microBatches))), index: 0 };
}

/** A name for a sub-tree, unique within a step. */
export function subtreeKey({ level, index }: Subtree): string {
  return `${level}.${index}`;
}

/**
 * The largest sub-trees that a contiguous range of micro-batches covers, from left to right. Their sums are what a rank
 * contributes: one for a power-of-two world, a few more otherwise.
 */
export function subtreesOf(range: MicroBatchRange, microBatches: number): Subtree[] {
  const subtrees: Subtree[] = [];
  const top = rootOf(microBatches).level;
  let at = range.start;
  while (at < range.end) {
    let level = 0;
    while (level < top && at % 2 ** (level + 1) === 0 && Math.min(at + 2 ** (level + 1), microBatches) <= range.end)
      level++;
    subtrees.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return subtrees;
}

/** Whether a rank has no micro-batch in a step with this number of micro-batches. */
export function isIdle(microBatches: number, split: WorkSplit, rank: number): boolean {
  const { start, end } = rangeOfRank(microBatches, split, rank);
  return start === end;
}

/** The largest sub-trees that a group of neighbouring ranks covers together. */
export function subtreesOfGroup(microBatches: number, split: WorkSplit, groupSize: number, rank: number): Subtree[] {
  const first = rank - (rank % groupSize);
  const { start } = rangeOfRank(microBatches, split, first);
  const { end } = rangeOfRank(microBatches, split, first + groupSize - 1);
  return subtreesOf({ start, end }, microBatches);
}

/** The sum of a sub-tree, and whether adding may overwrite it. */
export interface Operand {
  readonly values: Float32Array;
  readonly isFree: boolean;
}

export interface CombineOptions {
  readonly microBatches: number;
  /** The sum of a sub-tree, if it has been contributed as one. Of two siblings at most one may be kept from being overwritten. */
  readonly operandOf: (subtree: Subtree) => Operand | undefined;
  /** Rounds the sum of a sub-tree in place, if the format of the gradient asks for it. */
  readonly round: (values: Float32Array, subtree: Subtree) => void;
  /** Receives the last addition; without it an operand does. */
  readonly output?: Float32Array;
}

/**
 * Adds contributions up to the sum of a sub-tree, in tree order.
 *
 * @throws RangeError when the contributions leave a micro-batch out
 */
export function combine(top: Subtree, { microBatches, operandOf, round, output }: CombineOptions): Operand {
  const sumOf = (subtree: Subtree): Operand => {
    const given = operandOf(subtree);
    if (given !== undefined) return given;
    const { level, index } = subtree;
    if (level === 0) throw new RangeError(`no contribution covers micro-batch ${index} of ${microBatches}`);
    const left = sumOf({ level: level - 1, index: 2 * index });
    if ((2 * index + 1) * 2 ** (level - 1) >= microBatches) return left;
    const right = sumOf({ level: level - 1, index: 2 * index + 1 });
    const own = left.isFree ? left.values : right.values;
    const values = level === top.level ? (output ?? own) : own;
    addFloats(values, left.values, right.values);
    round(values, subtree);
    return { values, isFree: true };
  };
  return sumOf(top);
}
