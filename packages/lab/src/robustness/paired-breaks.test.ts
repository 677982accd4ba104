import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pairedBreaks, signTest } from './paired-breaks.js';

describe('the sign test', () => {
  // scipy 1.17.1: binomtest(heads, throws, 0.5, alternative='greater').pvalue
  it.each([
    [0, 0, 1],
    [7, 7, 0.0078125],
    [6, 6, 0.015625],
    [3, 10, 0.9453125],
    [9, 10, 0.0107421875],
    [60, 100, 0.028443966820490444],
    [1_050, 2_000, 0.013412073120140273],
    [1_200, 3_000, 1],
  ])('is that of SciPy: %d of %d', (heads, throws, expected) => {
    expect(signTest(heads, throws) / expected).toBeCloseTo(1, 9);
  });
});

it('only samples that exactly one attack broke count, each for the attack that broke it', () => {
  const samples = fc.array(fc.tuple(fc.constantFrom(0, 1), fc.constantFrom(0, 1)), { maxLength: 40 });
  fc.assert(
    fc.property(samples, (pairs) => {
      const broken = (which: 0 | 1) => ({ isBroken: Uint8Array.from(pairs, (pair) => pair[which]) });
      const [here, there] = [pairedBreaks(broken(0), broken(1)), pairedBreaks(broken(1), broken(0))];
      expect(here.weakerOnly).toBe(pairs.filter(([weaker, stronger]) => weaker > stronger).length);
      expect(here.weakerOnly).toBe(there.strongerOnly);
      // What is at least and what is at most so many overlap in the case itself.
      expect(here.p + there.p).toBeGreaterThanOrEqual(1 - 1e-9);
    }),
  );
});
