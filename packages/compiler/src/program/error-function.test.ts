import { describe, expect, it } from 'vitest';
import { erf, erfc } from './error-function.js';

/** x, erf(x), erfc(x), computed with 40 digits. */
const EXACT: readonly (readonly [number, number, number])[] = [
  [1e-300, 1.1283791670955126e-300, 1.0],
  [1e-10, 1.1283791670955126e-10, 0.999999999887162],
  [0.1, 0.1124629160182849, 0.887537083981715],
  [-0.5, -0.5204998778130465, 1.5204998778130465],
  [0.9, 0.7969082124228322, 0.20309178757716786],
  [1.2, 0.9103139782296353, 0.08968602177036464],
  [1.5, 0.9661051464753108, 0.033894853524689274],
  [1.500001, 0.9661052654054215, 0.03389473459457845],
  [2, 0.9953222650189527, 0.004677734981047266],
  [-2.5, -0.999593047982555, 1.999593047982555],
  [3.5, 0.9999992569016276, 7.430983723414128e-7],
  [5, 0.9999999999984626, 1.537459794428035e-12],
  [-6, -1.0, 2.0],
];

describe('the error function', () => {
  it.each(EXACT)('of %f is exact within 1e-15, relative, and its complement within 2e-14', (x, exact, complement) => {
    expect(Math.abs(erf(x) - exact)).toBeLessThanOrEqual(1e-15 * Math.abs(exact));
    expect(Math.abs(erfc(x) - complement)).toBeLessThanOrEqual(2e-14 * complement);
  });

  it('is odd, ends at one, and carries NaN through', () => {
    expect(erf(-0.7)).toBe(-erf(0.7));
    expect([erf(Infinity), erf(-Infinity), erfc(Infinity), erfc(-Infinity)]).toEqual([1, -1, 0, 2]);
    expect([erf(Number.NaN), erfc(Number.NaN)]).toEqual([Number.NaN, Number.NaN]);
  });
});
