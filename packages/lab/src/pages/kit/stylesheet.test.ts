/** Contrast by WCAG 2.2: text at least 4.5 to 1 (1.4.3), what must be seen in a chart at least 3 to 1 (1.4.11). */
import { describe, expect, it } from 'vitest';
import { DARK, HEAT_SHARE, LIGHT, SERIES_COUNT, STYLESHEET } from './stylesheet.js';
import { TONES } from './tone.js';

type Colour = readonly number[];

function coloursOf(scheme: string): (name: string) => Colour {
  const colours = new Map([...scheme.matchAll(/--([\w-]+): #([0-9a-f]{6});/g)].map(([, name, hex]) => [name, hex!]));
  return (name) => [0, 2, 4].map((at) => Number.parseInt(colours.get(name)!.slice(at, at + 2), 16));
}

function luminance(colour: Colour): number {
  const [red, green, blue] = colour.map((channel) => {
    const value = channel / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(one: Colour, other: Colour): number {
  const [bright, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (bright + 0.05) / (dark + 0.05);
}

const mix = (over: Colour, under: Colour, percent: number): Colour =>
  over.map((channel, i) => (channel * percent + under[i]! * (100 - percent)) / 100);

it('knows the contrasts of the standard', () => {
  expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 6);
  expect(contrast([0x76, 0x76, 0x76], [255, 255, 255])).toBeCloseTo(4.54, 2);
});

describe.each([
  ['light', LIGHT, HEAT_SHARE.light],
  ['dark', DARK, HEAT_SHARE.dark],
])('on a %s screen', (_, scheme, share) => {
  const colour = coloursOf(scheme);

  it.each(['ink', 'muted', 'accent', 'good', 'bad'])('%s can be read on the page and on figures', (name) => {
    for (const under of ['page', 'soft']) expect(contrast(colour(name), colour(under))).toBeGreaterThanOrEqual(4.5);
  });

  it.each([...TONES, ...Array.from({ length: SERIES_COUNT }, (__, i) => `series-${i + 1}`)])(
    'the colour %s can be seen on the page',
    (name) => {
      expect(contrast(colour(name), colour('page'))).toBeGreaterThanOrEqual(3);
    },
  );

  it.each([...TONES])('numbers can be read on the strongest cell of %s', (name) => {
    expect(contrast(colour('ink'), mix(colour(name), colour('page'), share))).toBeGreaterThanOrEqual(4.5);
  });

  it('no two splits have one colour', () => {
    expect(new Set(TONES.map((name) => colour(name).join())).size).toBe(TONES.length);
  });
});

it('no text is smaller than 11 px, and every tone has a rule', () => {
  const sizes = [...STYLESHEET.matchAll(/font-size: ([\d.]+)(px|rem)/g)].map(
    ([, size, unit]) => Number(size) * (unit === 'rem' ? 16 : 1),
  );
  expect(sizes.length).toBeGreaterThan(8);
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(11);
  for (const tone of TONES) expect(STYLESHEET).toContain(`.tone-${tone} { --series: var(--${tone}); }`);
});
