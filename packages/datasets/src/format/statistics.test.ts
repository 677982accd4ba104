import { describe, expect, it } from 'vitest';
import { channelStatistics, classCounts } from './statistics.js';

describe('statistics', () => {
  it('are per channel, over pixels in [0, 1], with the population deviation', () => {
    const split = { count: 2, pixels: Uint8Array.of(0, 255, 255, 255), labels: Uint8Array.of(0, 1) };
    // Channel 0 is 0 and 1, channel 1 is 1 and 1.
    expect(channelStatistics(split, 2)).toEqual({ mean: [0.5, 1], std: [0.5, 0] });
  });

  it('count the samples of every class, also of an absent one', () => {
    const split = { count: 3, pixels: new Uint8Array(3), labels: Uint8Array.of(2, 0, 2) };
    expect(classCounts(split, 4)).toEqual([1, 0, 2, 0]);
  });
});
