/**
 * Folds the gradients of one rank's micro-batches, in order, into the largest aligned sub-trees as they come: like a
 * binary counter, at most log2(micro-batches) + 1 buffers are held. Buffers are reused from step to step. A sub-tree is done when nothing
 * can be added to it any more: it may be sent while the next ones are computed.
 */
import type { MicroBatchRange } from '@facet/shared';
import { addFloats } from './float-kernels.js';
import { ORDINARY_MEMORY } from './float-memory.js';
import type { GradientFormat } from './formats/gradient-format.js';
import { roundInTurns } from './formats/round-in-turns.js';
import { rootOf, subtreeKey, subtreesOf, type PartialSum, type Subtree } from './schedule/reduction-tree.js';

export interface PartialSumsOptions {
  readonly length: number;
  readonly format: GradientFormat;
  /** Makes the buffers, see FloatMemory. Default: ordinary ones. */
  readonly allocate?: (length: number) => Float32Array;
}

export interface PartialSums {
  /** Starts a step with so many micro-batches in total, of which this rank has a range. */
  begin(step: number, range: MicroBatchRange, microBatches: number): void;
  /**
   * Adds the gradient of the next micro-batch of this rank; it is copied, and rounded to the format.
   *
   * @returns the part of the contribution that this has completed, if any; `finish` returns it again
   */
  add(index: number, gradient: Float32Array): Promise<PartialSum | undefined>;
  /** What this rank contributes. The arrays are valid until the next `begin`. */
  finish(): Promise<readonly PartialSum[]>;
}

/** Makes a folder for flat gradients of a fixed length. */
export function createPartialSums({
  length,
  format,
  allocate = ORDINARY_MEMORY.allocate,
}: PartialSumsOptions): PartialSums {
  const free: Float32Array[] = [];
  let stack: { subtree: Subtree; values: Float32Array }[] = [];
  let step = 0;
  let microBatches = 0;
  let wanted = new Set<string>();

  const mergeTop = async (): Promise<void> => {
    for (;;) {
      const right = stack.at(-1);
      const left = stack.at(-2);
      if (right === undefined || left === undefined || !areSiblings(left.subtree, right.subtree)) return;
      addFloats(left.values, left.values, right.values);
      stack.pop();
      free.push(right.values);
      left.subtree = parentOf(left.subtree);
      await roundInTurns(format, left.values, { step, ...left.subtree });
    }
  };

  return {
    begin(next, range, count) {
      step = next;
      wanted = new Set(subtreesOf(range, count).map(subtreeKey));
      free.push(...stack.map((entry) => entry.values));
      stack = [];
      microBatches = count;
    },
    async add(index, gradient) {
      const values = free.pop() ?? allocate(length);
      values.set(gradient);
      const subtree = { level: 0, index };
      await roundInTurns(format, values, { step, ...subtree });
      stack.push({ subtree, values });
      await mergeTop();
      const top = stack.at(-1)!;
      return wanted.has(subtreeKey(top.subtree)) ? top : undefined;
    },
    async finish() {
      // At the ragged end of a step a sub-tree without a right sibling stands for its parent.
      const top = rootOf(microBatches).level;
      for (let last = stack.at(-1); last !== undefined; last = stack.at(-1)) {
        const { level, index } = last.subtree;
        if (level >= top || index % 2 === 1 || (index + 1) * 2 ** level < microBatches) break;
        last.subtree = parentOf(last.subtree);
        await mergeTop();
      }
      return stack;
    },
  };
}

function areSiblings(left: Subtree, right: Subtree): boolean {
  return left.level === right.level && left.index % 2 === 0 && right.index === left.index + 1;
}

function parentOf({ level, index }: Subtree): Subtree {
  return { level: level + 1, index: Math.floor(index / 2) };
}
