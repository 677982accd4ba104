import { describe, expect, it } from 'vitest';
import { randomKey, randomStream } from '@facet/shared';
import { corrupt, SEVERITIES, type Corruption, type Severity } from './corruption.js';
import { CORRUPTIONS } from './corruption-sets.js';
import { elastic } from './digital.js';
import { gaussianBlur, motionBlur } from './filters.js';
import { rotate, translate } from './geometry.js';
import { jpeg } from './jpeg.js';
import { gaussianNoise, impulseNoise, shotNoise } from './noise.js';
import { planesOf, type Picture } from './picture.js';
import { plasma } from './plasma.js';

const stream = (word = 1) => randomStream(randomKey('corruption', word));

/** A soft bright disc before a darker, sloping ground. */
function discPicture(side: number, channels: number): Picture {
  const pixels = new Float32Array(channels * side * side);
  pixels.forEach((_, i) => {
    const [row, column] = [Math.floor(i / side) % side, i % side];
    const distance = Math.hypot(row - side / 2, column - side / 2);
    pixels[i] = 0.15 + 0.2 * (row / side) + 0.6 / (1 + Math.exp(distance - side / 4)) / (1 + Math.floor(i / side ** 2));
  });
  return { image: { height: side, width: side, channels }, pixels };
}

const flat = (value: number, side = 64): Picture => ({
  image: { height: side, width: side, channels: 1 },
  pixels: new Float32Array(side * side).fill(value),
});

const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: Float32Array): number => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
const distance = (a: Picture, b: Picture): number => mean(a.pixels.map((value, i) => Math.abs(value - b.pixels[i]!)));

/** The mean over samples of how far a corruption moves the picture. */
function strengthOf(corruption: Corruption, picture: Picture, severity: Severity): number {
  const moved = [1, 2, 3, 4, 5, 6].map((id) =>
    distance(corrupt(corruption, picture, { seed: 1, id, severity }), picture),
  );
  return moved.reduce((sum, value) => sum + value, 0) / moved.length;
}

/** Strengths that a distance between pixels does not order: they trade one parameter for another, or move edges about. */
const UNORDERED = ['elastic_transform', 'spatter', 'glass_blur', 'snow', 'canny_edges', 'pixelate'];

describe.each([
  ['mnist', discPicture(28, 1)],
  ['cifar10', discPicture(32, 3)],
] as const)('the corruptions of %s', (set, picture) => {
  it('are fifteen that count, each name once', () => {
    expect(CORRUPTIONS[set].filter(({ isStandard }) => isStandard)).toHaveLength(15);
    expect(new Set(CORRUPTIONS[set].map(({ name }) => name)).size).toBe(CORRUPTIONS[set].length);
  });

  it.each(CORRUPTIONS[set].map((corruption) => [corruption.name, corruption] as const))(
    '%s gives 8-bit pixels, the same for the same sample, and changes the picture at the fifth severity more than at the first',
    (name, corruption) => {
      for (const severity of SEVERITIES) {
        const of = { seed: 3, id: 17, severity };
        const corrupted = corrupt(corruption, picture, of);
        expect(corrupted.image).toEqual(picture.image);
        expect(corrupted.pixels).toHaveLength(picture.pixels.length);
        expect(corrupted.pixels.every((value) => Math.abs(value * 255 - Math.round(value * 255)) < 1e-4)).toBe(true);
        expect(corrupted.pixels.every((value) => value >= 0 && value <= 1)).toBe(true);
        expect(corrupt(corruption, picture, of)).toEqual(corrupted);
      }
      const [mildest, strongest] = [strengthOf(corruption, picture, 1), strengthOf(corruption, picture, 5)];
      expect(mildest).toBeGreaterThan(0);
      if (!UNORDERED.includes(name)) expect(strongest).toBeGreaterThan(mildest);
    },
  );
});

describe('noise', () => {
  it('of the sensor has the deviation asked for', () => {
    expect(deviation(gaussianNoise(flat(0.5), 0.1, stream()).pixels)).toBeCloseTo(0.1, 2);
  });

  it.each([3, 500])('of %d photons keeps the mean, with the variance of Poisson', (photons) => {
    const { pixels } = shotNoise(flat(0.5), photons, stream());
    expect(mean(pixels)).toBeCloseTo(0.5, 1);
    expect(deviation(pixels) / Math.sqrt(0.5 / photons)).toBeCloseTo(1, 1);
  });

  it('of broken pixels breaks the share asked for, black and white alike', () => {
    const { pixels } = impulseNoise(flat(0.5), 0.2, stream());
    const share = (value: number): number => pixels.filter((pixel) => pixel === value).length / pixels.length;
    expect(share(0)).toBeCloseTo(0.1, 1);
    expect(share(1)).toBeCloseTo(0.1, 1);
    expect(share(0.5)).toBeCloseTo(0.8, 1);
  });
});

describe('filters', () => {
  it('leave a flat picture as it is', () => {
    const [plane] = planesOf(flat(0.4, 12));
    for (const { values } of [gaussianBlur(plane!, 1.5), motionBlur(plane!, { radius: 4, sigma: 2, angle: 0.7 })]) {
      values.forEach((value) => {
        expect(value).toBeCloseTo(0.4, 5);
      });
    }
  });

  it('a Gaussian spreads a point with its own variance', () => {
    const side = 41;
    const point = new Float32Array(side * side);
    point[20 * side + 20] = 1;
    const { values } = gaussianBlur({ height: side, width: side, values: point }, 2);
    const variance = values.reduce((sum, value, i) => sum + value * (Math.floor(i / side) - 20) ** 2, 0);
    expect(variance).toBeCloseTo(4, 1);
  });
});

describe('geometry', () => {
  it('nothing turned, bent or moved is the picture itself', () => {
    const picture = discPicture(28, 1);
    for (const same of [
      rotate(picture, 0, stream()),
      translate(picture, 0, stream()),
      elastic(picture, { alpha: 0, sigma: 0, jitter: 0, edge: 'mirror' }, stream()),
    ]) {
      expect(distance(same, picture)).toBeLessThan(1e-6);
    }
  });

  it('a quarter turn moves a corner to the next one', () => {
    const pixels = new Float32Array(25);
    pixels[0] = 1;
    const turned = rotate({ image: { height: 5, width: 5, channels: 1 }, pixels }, Math.PI / 2, stream()).pixels;
    expect(Math.max(turned[4]!, turned[20]!)).toBeCloseTo(1, 5);
    expect(mean(turned)).toBeCloseTo(1 / 25, 5);
  });
});

describe('JPEG', () => {
  it('at quality 100 loses less than two grey levels, and less the higher the quality', () => {
    const picture = discPicture(28, 1);
    const losses = [100, 75, 40, 10].map((quality) => distance(jpeg(picture, quality), picture));
    expect(losses[0]).toBeLessThan(2 / 255);
    expect([...losses].sort((a, b) => a - b)).toEqual(losses);
  });

  it('keeps grey grey and flat flat in a picture of three channels', () => {
    const grey = new Float32Array(3 * 32 * 32).fill(128 / 255);
    const { pixels } = jpeg({ image: { height: 32, width: 32, channels: 3 }, pixels: grey }, 50);
    pixels.forEach((value) => {
      expect(value).toBeCloseTo(128 / 255, 5);
    });
  });
});

it('plasma fills [0, 1], and is rougher for a smaller decay', () => {
  const roughness = (decay: number): number => {
    const { values } = plasma(32, decay, stream());
    expect([Math.min(...values), Math.max(...values)]).toEqual([0, 1]);
    return mean(values.map((value, i) => (i === 0 ? 0 : Math.abs(value - values[i - 1]!))));
  };
  expect(roughness(1.4)).toBeGreaterThan(roughness(3));
});
