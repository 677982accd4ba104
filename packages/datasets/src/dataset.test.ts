import { TrainingError } from '@facet/shared';
import { describe, expect, it } from 'vitest';
import { countingBytes } from '../test/fixtures.js';
import { gatherSamples } from './dataset.js';
import { contentSha256 } from './identity.js';

const split = { count: 4, pixels: countingBytes(24), labels: countingBytes(4) };

describe('gatherSamples', () => {
  it('copies pixels and labels in the order of the ids', () => {
    expect(gatherSamples(split, Uint32Array.of(2, 0))).toEqual({
      labels: Uint8Array.of(split.labels[2]!, split.labels[0]!),
      pixels: Uint8Array.of(...split.pixels.subarray(12, 18), ...split.pixels.subarray(0, 6)),
    });
  });

  it('refuses an id that the split does not have', () => {
    const fault = new TrainingError('SHARD_INVALID', 'sample 4 was asked for, expected one below 4');
    expect(() => gatherSamples(split, Uint32Array.of(1, 4))).toThrow(fault);
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
