import fc from 'fast-check';
import { expect, test } from 'vitest';
import { figureKey, median, medianRatio, quantile, round } from './figures.js';

const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 });

test('a median has as many values below as above', () => {
  fc.assert(
    fc.property(numbers, (values) => {
      const middle = median(values);
      const below = values.filter((value) => value < middle).length;
      const above = values.filter((value) => value > middle).length;
      expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
    }),
  );
});

test('of two values the median lies between, and a ratio is taken turn by turn', () => {
  expect(median([1, 4])).toBe(2.5);
  expect(medianRatio([10, 30, 20], [1, 1, 10])).toBe(10);
});

test('quantiles 0 and 1 are the ends', () => {
  fc.assert(
    fc.property(numbers, (values) => {
      expect([quantile(values, 0), quantile(values, 1)]).toEqual([Math.min(...values), Math.max(...values)]);
    }),
  );
});

test('nothing measured is said, and not a figure', () => {
  expect(() => median([])).toThrow('no values were measured');
});

test('keys are words in camel case, and figures have three digits', () => {
  expect(figureKey('mnist-fast', 'host ms')).toBe('mnistFastHostMs');
  expect(figureKey('gemm')).toBe('gemm');
  expect(round(123_456)).toBe(123_000);
});
