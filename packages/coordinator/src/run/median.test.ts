import fc from 'fast-check';
import { expect, test } from 'vitest';
import { median, MedianOfOthers } from './median.js';

test('the median of the others is what a median of the others is, ties and all', () => {
  const values = fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.double({ noNaN: true, min: 0, max: 1e9 })), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(values, (all) => {
      const others = new MedianOfOthers(all);
      all.forEach((value, index) => {
        expect(others.without(value)).toBe(median(all.filter((_, at) => at !== index)));
      });
    }),
  );
});
