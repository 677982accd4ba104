import { describe, expect, it } from 'vitest';
import { decayAt, updateAverage } from './weight-average.js';

describe('the average of the weights', () => {
  it('does the arithmetic of an exponential moving average, rounded when stored', () => {
    const average = Float32Array.of(1, -2);
    updateAverage(average, Float32Array.of(3, 0.1), 0.75);
    expect([...average]).toEqual([1.5, Math.fround(-1.5 + 0.25 * Math.fround(0.1))]);
  });

  it('stays where the weights are, and gets there when they stand still', () => {
    const still = Float32Array.of(0.1, 1e-8, -3);
    const average = still.slice();
    updateAverage(average, still, 0.999);
    expect(average).toEqual(still);
    const late = new Float32Array(3);
    for (let step = 1; step <= 2_000; step++) updateAverage(late, still, decayAt(0.99, step));
    late.forEach((value, i) => expect(value).toBeCloseTo(still[i]!, 6));
  });

  it('warms up: the decay grows from 2/11 to its limit and stays there', () => {
    expect(decayAt(0.999, 1)).toBeCloseTo(2 / 11, 12);
    const decays = Array.from({ length: 20_000 }, (_, i) => decayAt(0.999, i + 1));
    expect(decays.every((decay, i) => i === 0 || decay >= decays[i - 1]!)).toBe(true);
    expect(decays.at(-1)).toBe(0.999);
    expect(decayAt(0.1, 1)).toBe(0.1);
  });
});
