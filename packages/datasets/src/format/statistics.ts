/**
 * Facts about a split that do not depend on the order of its samples. Sums are of integers below 2^53, so they are
 * exact and the results are the same on every machine.
 */
import type { Split } from '../dataset.js';

/** Mean and population standard deviation of every channel, over pixels scaled to [0, 1]. */
export interface ChannelStatistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Computes the statistics of `channels` interleaved channels. */
export function channelStatistics(split: Split, channels: number): ChannelStatistics {
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  const { pixels } = split;
  for (let i = 0; i < pixels.length; i += channels) {
    for (let channel = 0; channel < channels; channel++) {
      const value = pixels[i + channel]!;
      sums[channel]! += value;
      squares[channel]! += value * value;
    }
  }
  const samples = pixels.length / channels;
  const mean = Array.from(sums, (sum) => sum / samples / 255);
  const std = Array.from(squares, (square, channel) => Math.sqrt(square / samples / 255 ** 2 - mean[channel]! ** 2));
  return { mean, std };
}

/** Samples per class, in label order. */
export function classCounts(split: Split, classCount: number): number[] {
  const counts = new Array<number>(classCount).fill(0);
  for (const label of split.labels) counts[label]!++;
  return counts;
}
