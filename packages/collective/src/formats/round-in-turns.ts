/** Rounding in pieces. The event loop runs between them, because a heartbeat or a peer cannot wait for a large gradient. */
import { nextTurn } from '../turns.js';
import type { TreeNode } from './codec.js';
import type { GradientFormat } from './gradient-format.js';

/** Rounds a whole gradient in place, as the format does. */
export async function roundInTurns(format: GradientFormat, gradient: Float32Array, node: TreeNode): Promise<void> {
  const { isPlain, turnElements } = format;
  if (isPlain) return;
  for (let at = 0; at < gradient.length; at += turnElements) {
    if (at > 0) await nextTurn();
    format.round(gradient.subarray(at, at + turnElements), at, node);
  }
}
