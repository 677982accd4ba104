/** What is drawn for a model: of which numbers it is a function, and whether it has the distribution that it should. */
import { describe, expect, it } from 'vitest';
import { dropout, fillNoise, normalNoise, requireNoise } from './noise.js';

const LENGTH = 1_000;
const SAMPLES = 200;
const RATE = 0.3;
const training = { seed: 7, epoch: 2, isTraining: true };

interface Draw {
  readonly ids?: readonly number[];
  readonly place?: number;
  readonly identity?: Partial<typeof training>;
}

const draw = (noise = dropout([LENGTH], RATE), { ids, place = 0, identity }: Draw = {}): Float32Array => {
  const list = Uint32Array.from(ids ?? Array.from({ length: SAMPLES }, (_, id) => id));
  const to = new Float32Array(list.length * LENGTH);
  fillNoise(noise, to, { place, ids: list, identity: { ...training, ...identity } });
  return to;
};

/** By how many standard deviations the number of successes of a binomial differs from its mean. */
const deviations = (successes: number, trials: number, probability: number): number =>
  (successes - trials * probability) / Math.sqrt(trials * probability * (1 - probability));

/** Below it are 99.9937 % of all draws; the draws here are fixed. */
const BOUND = 4;

const count = (values: Float32Array, holds: (value: number, at: number) => boolean): number =>
  values.reduce((sum, value, at) => sum + (holds(value, at) ? 1 : 0), 0);

describe('dropout', () => {
  const drawn = draw();

  it('drops at its rate, and scales what it keeps by 1 / (1 - rate)', () => {
    const kept = count(drawn, (value) => value !== 0);
    expect(Math.abs(deviations(kept, drawn.length, 1 - RATE))).toBeLessThan(BOUND);
    expect(new Set(drawn)).toEqual(new Set([0, Math.fround(1 / (1 - RATE))]));
    // Of single samples too: the square sum of their deviations is chi-squared with as many degrees of freedom.
    const squares = Array.from({ length: SAMPLES }, (_, row) => {
      const own = drawn.subarray(row * LENGTH, (row + 1) * LENGTH);
      return (
        deviations(
          count(own, (value) => value !== 0),
          LENGTH,
          1 - RATE,
        ) ** 2
      );
    });
    const chi = squares.reduce((sum, square) => sum + square, 0);
    expect(Math.abs(chi - SAMPLES) / Math.sqrt(2 * SAMPLES)).toBeLessThan(BOUND);
  });

  it('is independent between samples, epochs, seeds, places of the model and neighbours', () => {
    const agreement = (1 - RATE) ** 2 + RATE ** 2;
    const others = {
      sample: draw(undefined, { ids: Array.from({ length: SAMPLES }, (_, id) => id + 1) }),
      epoch: draw(undefined, { identity: { epoch: 3 } }),
      seed: draw(undefined, { identity: { seed: 8 } }),
      place: draw(undefined, { place: 1 }),
      neighbour: Float32Array.from(drawn, (_, at) => drawn[(at + 1) % drawn.length]!),
    };
    for (const [name, other] of Object.entries(others)) {
      const same = count(drawn, (value, at) => value === other[at]);
      expect(Math.abs(deviations(same, drawn.length, agreement)), name).toBeLessThan(BOUND);
    }
  });

  it('is a function of the sample, wherever it stands in a micro-batch and whatever stands beside it', () => {
    const [alone, among] = [draw(undefined, { ids: [9] }), draw(undefined, { ids: [4, 9, 1] })];
    expect(among.subarray(LENGTH, 2 * LENGTH)).toEqual(alone);
  });

  it('is off outside of training and in rows without a sample', () => {
    expect(new Set(draw(undefined, { identity: { isTraining: false } }))).toEqual(new Set([1]));
    const to = new Float32Array(3 * LENGTH);
    fillNoise(dropout([LENGTH], RATE), to, { place: 0, ids: Uint32Array.of(1), identity: training });
    expect(new Set(to.subarray(LENGTH))).toEqual(new Set([1]));
  });
});

describe('normal noise', () => {
  it('has its mean and its standard deviation; outside of training it is its mean', () => {
    const drawn = draw(normalNoise([LENGTH], 0.5, 1));
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    const variance = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length;
    expect(Math.abs(mean - 1)).toBeLessThan((BOUND * 0.5) / Math.sqrt(drawn.length));
    // The variance of a sample variance of normal numbers is 2 s^4 / n.
    expect(Math.abs(variance - 0.25)).toBeLessThan(BOUND * 0.25 * Math.sqrt(2 / drawn.length));
    expect(new Set(draw(normalNoise([2], 0.5, 1), { identity: { isTraining: false } }))).toEqual(new Set([1]));
  });
});

it('says what is wrong with what a model draws', () => {
  expect(requireNoise([{ ...dropout([2], 0.5), name: 'a' }])).toBeUndefined();
  expect(requireNoise([{ ...dropout([2], 1), name: 'a' }])).toMatch(
    /noise\.a drops at a rate of 1, expected 0 up to 1/,
  );
  expect(requireNoise([{ ...dropout([0], 0.5), name: 'a' }])).toMatch(/noise\.a has shape \[0\]/);
  expect(requireNoise([{ ...normalNoise([2], -1), name: 'b' }])).toMatch(/standard deviation -1/);
});
