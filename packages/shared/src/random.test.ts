import { describe, expect, it } from 'vitest';
import { permutation, randomKey, randomStream } from './random.js';

describe('counter-based randomness', () => {
  it('gives the same stream for the same key and another one for any other key', () => {
    const draw = (key: number): number[] => {
      const stream = randomStream(key);
      return Array.from({ length: 4 }, () => stream.nextUint32());
    };
    const key = randomKey('augmentation', 1, 2, 3);
    expect(draw(key)).toEqual(draw(key));
    for (const other of [
      randomKey('permutation', 1, 2, 3),
      randomKey('augmentation', 1, 3, 2),
      randomKey('augmentation', 2 ** 33 + 1, 2, 3),
    ]) {
      expect(draw(other)).not.toEqual(draw(key));
    }
  });

  it('is uniform: a million draws fill 64 bins evenly', () => {
    const bins = new Array<number>(64).fill(0);
    const stream = randomStream(randomKey('augmentation', 9));
    const draws = 1_000_000;
    for (let i = 0; i < draws; i++) bins[stream.nextBelow(64)]!++;
    const expected = draws / 64;
    const chiSquare = bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 63 degrees of freedom: 99.99 % lie below 113.
    expect(chiSquare).toBeLessThan(113);
  });

  it('draws normal numbers with mean 0 and variance 1', () => {
    const stream = randomStream(randomKey('initialisation', 4));
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < 100_000; i++) {
      const value = stream.nextNormal();
      sum += value;
      squares += value * value;
    }
    expect(Math.abs(sum / 100_000)).toBeLessThan(0.015);
    expect(Math.abs(squares / 100_000 - 1)).toBeLessThan(0.02);
  });

  it('permutes: every index once, and the known order of seed 1, epoch 0 stays what it is', () => {
    const order = permutation(1, 0, 1000);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    // A change here changes the bits of every run: raise CONFIG_VERSION with it.
    expect([...order.subarray(0, 6)]).toMatchInlineSnapshot(`
      [
        401,
        78,
        473,
        209,
        512,
        844,
      ]
    `);
  });
});
