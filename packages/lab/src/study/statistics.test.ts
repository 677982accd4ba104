import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holmAdjusted, pairedDifference, spreadOf } from './paired-differences.js';
import { twoSidedP, twoSidedQuantile } from './student-t.js';

describe("Student's t", () => {
  it.each([
    [0.05, 1, 12.706],
    [0.05, 2, 4.303],
    [0.05, 4, 2.776],
    [0.05, 9, 2.262],
    [0.05, 30, 2.042],
    [0.01, 4, 4.604],
    [0.1, 6, 1.943],
    [0.05, 100_000, 1.96],
  ])('has the quantiles of the published table: p %d, %d degrees of freedom', (p, degrees, t) => {
    expect(twoSidedQuantile(p, degrees)).toBeCloseTo(t, 3);
  });

  it('has a quantile that is the inverse of its probability', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        fc.integer({ min: 1, max: 200 }),
        (p, degrees) => {
          expect(twoSidedP(twoSidedQuantile(p, degrees), degrees)).toBeCloseTo(p, 8);
        },
      ),
    );
  });
});

describe('paired differences', () => {
  it('are what the formula says', () => {
    const baseline = new Map([1, 2, 3, 4, 5].map((seed) => [seed, 0.8 + seed / 100]));
    const arm = new Map([0.01, 0.012, 0.008, 0.011, 0.009].map((gain, i) => [i + 1, 0.8 + (i + 1) / 100 + gain]));
    const difference = pairedDifference(arm, baseline)!;
    expect(difference.mean).toBeCloseTo(0.01, 12);
    // s = 0.00158, s / sqrt(5) = 0.000707, t = 2.776
    expect(difference.interval![0]).toBeCloseTo(0.01 - 0.001963, 5);
    expect(difference.interval![1]).toBeCloseTo(0.01 + 0.001963, 5);
    expect(difference.p).toBeLessThan(0.001);
    expect(difference.seedsNeeded).toBe(4);
  });

  it('say the least number of seeds at which 0.3 points show, however wide the spread', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-4, max: 0.3, noNaN: true }), (half) => {
        const [arm, baseline] = [
          new Map([
            [1, 0.5 + half],
            [2, 0.5 - half],
          ]),
          new Map([
            [1, 0.5],
            [2, 0.5],
          ]),
        ];
        const seeds = pairedDifference(arm, baseline)!.seedsNeeded!;
        const reach = (n: number): number => (twoSidedQuantile(0.05, n - 1) * half * Math.SQRT2) / Math.sqrt(n);
        expect(reach(seeds)).toBeLessThan(0.003);
        if (seeds > 2) expect(reach(seeds - 1)).toBeGreaterThanOrEqual(0.003);
      }),
    );
  });

  it('do not see what the seed does to both arms', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 8 }), (luck) => {
        const baseline = new Map(luck.map((value, seed) => [seed, value / 2000]));
        const arm = new Map(luck.map((value, seed) => [seed, value / 2000 + 0.25]));
        const { mean, interval } = pairedDifference(arm, baseline)!;
        expect(mean).toBeCloseTo(0.25, 12);
        expect(interval![1] - interval![0]).toBeLessThan(1e-9);
      }),
    );
  });

  it('take the seeds that both arms have, and none where there is none', () => {
    expect(
      pairedDifference(
        new Map([
          [1, 0.9],
          [2, 0.5],
        ]),
        new Map([
          [1, 0.8],
          [3, 0.1],
        ]),
      ),
    ).toMatchObject({ seeds: 1 });
    expect(pairedDifference(new Map([[1, 0.9]]), new Map([[2, 0.8]]))).toBeUndefined();
  });

  it('claim no interval for one seed', () => {
    const one = pairedDifference(new Map([[1, 0.9]]), new Map([[1, 0.8]]));
    expect(one).toMatchObject({ seeds: 1, interval: undefined, p: undefined });
    expect(spreadOf([0.9])).toEqual({ mean: 0.9, standardDeviation: undefined });
  });
});

describe("Holm's adjustment", () => {
  it('is that of a worked example', () => {
    const adjusted = holmAdjusted([0.01, 0.04, 0.03, 0.005]);
    [0.03, 0.06, 0.06, 0.02].forEach((expected, i) => {
      expect(adjusted[i]).toBeCloseTo(expected, 12);
    });
  });

  it('never makes a p smaller, and keeps their order', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 }), (ps) => {
        const adjusted = holmAdjusted(ps);
        ps.forEach((p, i) => {
          expect(adjusted[i]).toBeGreaterThanOrEqual(p);
          ps.forEach((other, j) => {
            if (p <= other) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j]!);
          });
        });
      }),
    );
  });
});
