import { TrainingError } from '@facet/shared';
import { describe, expect, it } from 'vitest';
import { countingBytes } from '../test/fixtures.js';
import { limitSplit } from './dataset.js';
import { contentSha256 } from './identity.js';

const split = { count: 4, pixels: countingBytes(24), labels: countingBytes(4) };

describe('limitSplit', () => {
  it('gives views of the first samples', () => {
    const limited = limitSplit(split, 3);
    expect(limited).toEqual({ count: 3, pixels: countingBytes(18), labels: countingBytes(3) });
    expect(limited.pixels.buffer).toBe(split.pixels.buffer);
  });

  it.each([0, 5, 1.5, -1, NaN])('refuses %d of 4 samples', (count) => {
    const message = `a split of 4 samples cannot be limited to ${count}: expected an integer from 1 to 4`;
    expect(() => limitSplit(split, count)).toThrow(new TrainingError('CONFIG_INVALID', message));
  });
});

describe('contentSha256', () => {
  const image = { height: 2, width: 3, channels: 1 };

  it('changes with the shape, a pixel, a label, and the order of the splits', () => {
    const other = { ...split, labels: Uint8Array.of(0, 1, 2, 4) };
    const brighter = { ...split, pixels: split.pixels.map((value, i) => (i === 23 ? 200 : value)) };
    const identities = [
      contentSha256(image, split, split),
      contentSha256({ ...image, height: 3, width: 2 }, split, split),
      contentSha256(image, other, split),
      contentSha256(image, split, other),
      contentSha256(image, split, brighter),
    ];
    expect(new Set(identities).size).toBe(identities.length);
  });
});
