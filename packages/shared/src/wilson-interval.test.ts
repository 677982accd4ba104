import { expect, it } from 'vitest';
import { wilsonInterval } from './wilson-interval.js';

it('is the published interval', () => {
  // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  const rows = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const;
  for (const [right, samples, low, high] of rows) {
    const interval = wilsonInterval(right / samples, samples);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  }
});

it('never leaves 0 and 1, and closes in on more samples', () => {
  expect(wilsonInterval(1, 10_000).high).toBeCloseTo(1, 12);
  expect(wilsonInterval(1, 3).high).toBeLessThanOrEqual(1);
  expect(wilsonInterval(0, 3).low).toBeGreaterThanOrEqual(0);
  const width = (samples: number): number => {
    const { low, high } = wilsonInterval(0.98, samples);
    return high - low;
  };
  expect(width(10_000)).toBeLessThan(width(1_000));
});
