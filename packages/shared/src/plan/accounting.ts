/**
 * Check digits for the accounting that travels with the gradient. The number of samples and the sum of their check digits
 * are reduced together with the gradient. Both are integers small enough for float32 to add without rounding. So whoever
 * holds the reduced gradient can prove which samples are in it.
 */
import type { TrainingConfig } from '../config/schema.js';
import { randomKey } from '../random.js';

/** float32 holds every integer up to here. */
const EXACT_LIMIT = 2 ** 24;

/** One more than the largest check digit, so that a whole global batch adds up exactly. */
export function checkDigitBound(globalBatch: number): number {
  return Math.floor(EXACT_LIMIT / globalBatch);
}

/** The sum of the check digits of some samples of one epoch; below 2^24 for up to a global batch of them. */
export function sampleChecksum(
  config: Pick<TrainingConfig, 'seed' | 'batch'>,
  epoch: number,
  ids: Uint32Array,
): number {
  const bound = checkDigitBound(config.batch.global);
  let sum = 0;
  for (const id of ids) sum += randomKey('accounting', config.seed, epoch, id) % bound;
  return sum;
}
