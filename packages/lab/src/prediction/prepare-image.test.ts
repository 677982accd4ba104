import { describe, expect, it } from 'vitest';
import { backdropFor, colourPlanes, greyPlane } from './colours.js';
import type { Picture, Plane } from './picture.js';
import { prepareImage } from './prepare-image.js';
import { resample } from './resample.js';

type Rgba = readonly [number, number, number, number];

const BLACK: Rgba = [0, 0, 0, 255];
const WHITE: Rgba = [255, 255, 255, 255];
const CLEAR: Rgba = [0, 0, 0, 0];
const DIGIT = { height: 28, width: 28, channels: 1 };

function picture(width: number, height: number, colourAt: (x: number, y: number) => Rgba): Picture {
  const rgba = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) rgba.set(colourAt(i % width, Math.floor(i / width)), 4 * i);
  return { width, height, rgba };
}

/** An upright bar, off the centre, of one colour on another. */
const bar = (ink: Rgba, paper: Rgba): Picture =>
  picture(100, 120, (x, y) => (x >= 10 && x < 20 && y >= 15 && y < 75 ? ink : paper));

function plane(width: number, values: readonly number[]): Plane {
  return { width, height: values.length / width, values: Float32Array.from(values) };
}

describe('resample', () => {
  const whole = ({ width, height }: Plane) => ({ left: 0, top: 0, width, height });

  it('changes nothing at the same size', () => {
    const source = plane(3, [0, 0.25, 0.5, 1, 0.75, 0.125]);
    expect([...resample(source, whole(source), source).values]).toEqual([...source.values]);
  });

  it('keeps an even picture even, smaller and larger', () => {
    const source = plane(5, new Array<number>(25).fill(0.5));
    for (const side of [2, 5, 13]) {
      const { values } = resample(source, whole(source), { width: side, height: side });
      for (const value of values) expect(value).toBeCloseTo(0.5, 6);
    }
  });

  it('averages instead of picking when it shrinks', () => {
    const stripes = plane(
      64,
      Array.from({ length: 64 * 2 }, (_, i) => i % 2),
    );
    const { values } = resample(stripes, whole(stripes), { width: 4, height: 1 });
    for (const value of values) expect(value).toBeCloseTo(0.5, 1);
  });

  it('stays within black and white at sharp edges', () => {
    const edge = plane(4, [0, 0, 1, 1]);
    const { values } = resample(edge, whole(edge), { width: 16, height: 1 });
    expect(Math.min(...values)).toBe(0);
    expect(Math.max(...values)).toBe(1);
  });
});

describe('colours', () => {
  it('weighs red, green and blue as ITU-R BT.601', () => {
    const primaries = picture(3, 1, (x) => [x === 0 ? 255 : 0, x === 1 ? 255 : 0, x === 2 ? 255 : 0, 255]);
    const { values } = greyPlane(primaries, 1);
    [0.299, 0.587, 0.114].forEach((share, i) => expect(values[i]).toBeCloseTo(share, 6));
  });

  it('shows white behind what is transparent', () => {
    const half = picture(1, 1, () => [255, 0, 0, 51]);
    const [red, green, blue] = colourPlanes(half, 1).map(({ values }) => values[0]);
    expect([red, green, blue].map((value) => value!.toFixed(3))).toEqual(['1.000', '0.800', '0.800']);
  });

  it('shows black behind a light drawing on nothing, and white behind everything else', () => {
    expect(backdropFor(bar(WHITE, CLEAR))).toBe(0);
    expect(backdropFor(bar(BLACK, CLEAR))).toBe(1);
    expect(backdropFor(bar(BLACK, WHITE))).toBe(1);
    expect(backdropFor(picture(2, 2, () => CLEAR))).toBe(1);
  });
});

describe('prepareImage for digits', () => {
  const expected = prepareImage(bar(WHITE, BLACK), DIGIT, 'digit');

  it('leaves white on black as it is and inverts black on white', () => {
    expect(expected.changes).toEqual(['centred']);
    const dark = prepareImage(bar(BLACK, WHITE), DIGIT, 'digit');
    expect(dark.changes).toEqual(['inverted', 'centred']);
    dark.pixels.forEach((value, i) => expect(value).toBeCloseTo(expected.pixels[i]!, 5));
  });

  it.each([
    ['black ink on nothing', bar(BLACK, CLEAR)],
    ['white ink on nothing', bar(WHITE, CLEAR)],
    ['pale ink on grey paper', bar([90, 90, 90, 255], [180, 180, 180, 255])],
  ])('makes the same of %s', (_, drawing) => {
    const { pixels } = prepareImage(drawing, DIGIT, 'digit');
    pixels.forEach((value, i) => expect(value).toBeCloseTo(expected.pixels[i]!, 2));
  });

  it('scales the ink to 20 of 28 pixels and puts its centre of mass in the middle', () => {
    let [mass, x, y] = [0, 0, 0];
    const rows = new Set<number>();
    expected.pixels.forEach((value, i) => {
      mass += value;
      x += value * (i % 28);
      y += value * Math.floor(i / 28);
      if (value > 0.5) rows.add(Math.floor(i / 28));
    });
    expect(rows.size).toBe(20);
    expect(x / mass).toBeCloseTo(13.5, 1);
    expect(y / mass).toBeCloseTo(13.5, 1);
    expect(Math.max(...expected.pixels)).toBe(1);
  });

  it('only inverts what has the size of the model already', () => {
    const corner = picture(28, 28, (x, y) => (x < 9 && x > 4 && y < 9 && y > 4 ? BLACK : WHITE));
    const { pixels, changes } = prepareImage(corner, DIGIT, 'digit');
    expect(changes).toEqual(['inverted']);
    pixels.forEach((value, i) => {
      const [column, row] = [i % 28, Math.floor(i / 28)];
      expect(value).toBe(column < 9 && column > 4 && row < 9 && row > 4 ? 1 : 0);
    });
  });

  it('says that a picture of one colour is blank', () => {
    const { pixels, changes } = prepareImage(
      picture(50, 40, () => WHITE),
      DIGIT,
      'digit',
    );
    expect(changes).toEqual(['blank']);
    expect(Math.max(...pixels)).toBe(0);
  });
});

describe('prepareImage for photos', () => {
  const photo = { height: 2, width: 2, channels: 3 };

  it('cuts the middle out of a wide picture, channel by channel', () => {
    const wide = picture(8, 2, (x) => (x < 3 || x > 4 ? WHITE : [255, 0, 0, 255]));
    const { pixels, changes } = prepareImage(wide, photo, 'photo');
    expect(changes).toEqual(['cropped']);
    expect([...pixels].map((value) => Math.round(value))).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('takes a picture of the right size as it is', () => {
    const { pixels, changes } = prepareImage(
      picture(2, 2, (x) => [x * 255, 51, 102, 255]),
      photo,
      'photo',
    );
    expect(changes).toEqual([]);
    const expected = [0, 1, 0, 1, 0.2, 0.2, 0.2, 0.2, 0.4, 0.4, 0.4, 0.4];
    pixels.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
  });

  it('makes grey of colours for a model with one channel', () => {
    const { pixels } = prepareImage(
      picture(2, 2, () => [255, 0, 0, 255]),
      { ...photo, channels: 1 },
      'photo',
    );
    expect(pixels).toHaveLength(4);
    expect(pixels[0]).toBeCloseTo(0.299, 6);
  });
});
