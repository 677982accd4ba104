/**
 * A learned bias of every head for the offset between two tokens of a square grid (Liu et al. 2021, Swin). A table with one
 * row per offset becomes a bias for every pair of tokens by one product with indicators, so its gradient is a product too.
 */
import * as tf from '@tensorflow/tfjs';
import { parameter, type ForwardContext } from './forward-context.js';

/** Different offsets between two tokens of a grid of so many tokens along each side. */
export function offsetCount(side: number): number {
  return (2 * side - 1) ** 2;
}

/** The bias of every block, [heads, tokens, tokens] each; undefined for a model without. */
export function relativeBiases(context: ForwardContext): tf.Tensor3D[] | undefined {
  const { config, side } = context;
  if (!config.relativeBias) return undefined;
  const tokens = side ** 2;
  const tables = Array.from({ length: config.depth }, (_, block) =>
    parameter<tf.Tensor2D>(context, `block${block}.attention.relative`),
  );
  const indicators = tf.tensor2d(offsetIndicators(side), [tokens * tokens, offsetCount(side)]);
  const rows = tf.matMul(tf.concat(tables, 1), indicators, true, true); // [blocks * heads, tokens * tokens]
  return tables.map((_, block) =>
    rows.slice([block * config.heads, 0], [config.heads, tokens * tokens]).reshape([config.heads, tokens, tokens]),
  );
}

/** [tokens * tokens, offsets], row-major: row (query, key) has a 1 at the offset from the query to the key. */
export function offsetIndicators(side: number): Float32Array {
  const tokens = side ** 2;
  const span = 2 * side - 1;
  const indicators = new Float32Array(tokens * tokens * span * span);
  for (let query = 0; query < tokens; query++) {
    for (let key = 0; key < tokens; key++) {
      const down = Math.floor(key / side) - Math.floor(query / side) + side - 1;
      const right = (key % side) - (query % side) + side - 1;
      indicators[(query * tokens + key) * span * span + down * span + right] = 1;
    }
  }
  return indicators;
}
