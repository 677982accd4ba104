import { describe, expect, it } from 'vitest';
import { randomKey, randomStream } from '@facet/shared';
import { correspondenceOf, topCount, type AttentionMap } from './correspondence.js';

/** A map in which every token looks at the same ones, the first the most. */
function lookingAt(tokens: number, targets: readonly number[]): AttentionMap {
  const row = new Float32Array(tokens);
  targets.forEach((target, i) => (row[target] = 1 - 0.1 * i));
  return Float32Array.from({ length: tokens * tokens }, (_, at) => row[at % tokens]!);
}

function randomMaps(count: number, tokens: number, seed: number): AttentionMap[] {
  const stream = randomStream(randomKey('initialisation', seed));
  return Array.from({ length: count }, () => Float32Array.from({ length: tokens ** 2 }, () => stream.nextUniform()));
}

describe('the score', () => {
  it('is 1 for a reading and itself, and 0 for two that look at different places', () => {
    const [a, b] = [lookingAt(6, [0, 1]), lookingAt(6, [4, 5])];
    expect(correspondenceOf([a], [a], { tokens: 6, k: 2 }).score).toBe(1);
    expect(correspondenceOf([a], [b], { tokens: 6, k: 2 }).score).toBe(0);
  });

  it('counts shared places, whatever their order', () => {
    const [a, b] = [lookingAt(6, [0, 1, 2]), lookingAt(6, [2, 0, 5])];
    expect(correspondenceOf([a], [b], { tokens: 6, k: 3 }).score).toBeCloseTo(2 / 3, 12);
    expect(correspondenceOf([b], [a], { tokens: 6, k: 3 }).score).toBeCloseTo(2 / 3, 12);
  });

  it('is a mean over the places that look', () => {
    // Token 0 looks at itself in both, token 1 at 0 in one and at itself in the other.
    const a = Float32Array.of(1, 0, 1, 0);
    const b = Float32Array.of(1, 0, 0, 1);
    expect(correspondenceOf([a], [b], { tokens: 2, k: 1 }).score).toBe(0.5);
  });

  it('of maps that know nothing of each other is that of chance', () => {
    const { score, chance, otherImages } = correspondenceOf(randomMaps(60, 16, 1), randomMaps(60, 16, 2), {
      tokens: 16,
      k: 2,
    });
    expect(chance).toBe(2 / 16);
    expect(score).toBeCloseTo(chance, 1);
    expect(otherImages).toBeCloseTo(chance, 1);
  });

  it('with the next image tells habit from correspondence', () => {
    const maps = [lookingAt(6, [0]), lookingAt(6, [3])];
    expect(correspondenceOf(maps, maps, { tokens: 6, k: 1 })).toEqual({ score: 1, chance: 1 / 6, otherImages: 0 });
    const habit = [lookingAt(6, [2]), lookingAt(6, [2])];
    expect(correspondenceOf(habit, habit, { tokens: 6, k: 1 }).otherImages).toBe(1);
  });
});

describe('through a view', () => {
  it('places are compared where the view shows them', () => {
    // The view shows everything one token to the right; token 3 has left it.
    const places = [1, 2, 3, -1];
    const a = lookingAt(4, [0, 3]);
    const b = lookingAt(4, [1, 0]);
    expect(correspondenceOf([a], [b], { tokens: 4, k: 1, places })).toEqual({
      score: 1,
      chance: 1 / 3,
      otherImages: 1,
    });
  });

  it('that shows no place at all the score is 0', () => {
    const map = lookingAt(2, [0]);
    expect(correspondenceOf([map], [map], { tokens: 2, k: 1, places: [-1, -1] }).score).toBe(0);
  });
});

it.each([
  [4, 1],
  [16, 2],
  [64, 8],
])('of %i places %i count', (tokens, k) => {
  expect(topCount(tokens)).toBe(k);
});
