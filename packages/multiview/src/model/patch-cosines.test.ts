import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { patchCosines } from './patch-cosines.js';

const column = (weights: Float32Array, features: number, feature: number): number[] =>
  Array.from(weights.filter((_, index) => index % features === feature));
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

describe('patch cosines', () => {
  it('are orthogonal, whatever the patch', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 3), fc.integer({ min: 1, max: 6 }), (channels, size) => {
        const features = channels * size * size;
        const weights = patchCosines({ channels, size, features });
        const columns = Array.from({ length: features }, (_, feature) => column(weights, features, feature));
        columns.forEach((a, i) => {
          columns.forEach((b, j) => {
            const norm = Math.sqrt(dot(a, a) * dot(b, b));
            expect(dot(a, b) / norm).toBeCloseTo(i === j ? 1 : 0, 5);
          });
        });
      }),
      { numRuns: 20 },
    );
  });

  it('begin with brightness, and give rare waves more weight, up to twice', () => {
    const features = 48;
    const weights = patchCosines({ channels: 3, size: 4, features });
    const gains = Array.from({ length: features }, (_, feature) => {
      const values = column(weights, features, feature);
      return Math.sqrt(dot(values, values));
    });
    expect(new Set(column(weights, features, 0).map((value) => value.toFixed(6))).size).toBe(1);
    gains.slice(1).forEach((gain, index) => {
      expect(gain).toBeGreaterThan(gains[index]! - 1e-5);
    });
    expect(gains[0]).toBeCloseTo(1 / (4 * Math.sqrt(3) * 0.84), 5);
    expect(gains.at(-1)).toBeCloseTo(2, 5);
  });

  it('are as many as there are waves; further features are small random numbers', () => {
    const weights = patchCosines({ channels: 1, size: 2, features: 6 });
    expect(weights).toHaveLength(4 * 6);
    for (const feature of [4, 5]) {
      const values = column(weights, 6, feature);
      expect(dot(values, values)).toBeGreaterThan(0);
      expect(dot(values, values)).toBeLessThan(10);
    }
    expect(patchCosines({ channels: 1, size: 2, features: 6 })).toEqual(weights);
  });
});
