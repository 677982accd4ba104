/**
 * Draws for the auxiliary losses: which tokens one micro-batch compares and hides. A function of the key alone, so it does
 * not matter which worker computes the micro-batch.
 */
import { permutation, randomStream } from '@facet/shared';

/** Buffers that a draw fills in place; model/auxiliary-losses.ts says what they mean. */
export interface AuxiliaryTensors {
  /** [2 * pairs, tokens], one-hot rows */
  readonly tokenPairs: Float32Array;
  /** [tokens], 1 where a token is hidden */
  readonly hiddenTokens: Float32Array;
}

/** Half of the tokens are hidden, so that the model must look at the other views. Every micro-batch hides as many. */
const HIDDEN_SHARE = 0.5;

/** Draws pairs of different tokens, and the hidden ones. */
export function drawAuxiliary({ tokenPairs, hiddenTokens }: AuxiliaryTensors, key: number): void {
  const tokens = hiddenTokens.length;
  const pairs = tokenPairs.length / tokens / 2;
  const stream = randomStream(key);
  tokenPairs.fill(0);
  for (let pair = 0; pair < pairs; pair++) {
    const first = stream.nextBelow(tokens);
    const second = (first + 1 + stream.nextBelow(tokens - 1)) % tokens;
    tokenPairs[pair * tokens + first] = 1;
    tokenPairs[(pairs + pair) * tokens + second] = 1;
  }
  hiddenTokens.fill(0);
  const order = permutation(stream.nextUint32(), 0, tokens);
  for (const token of order.subarray(0, Math.floor(tokens * HIDDEN_SHARE))) hiddenTokens[token] = 1;
}
