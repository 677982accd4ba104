/**
 * Horizontal bars from zero, one for each name, with the value written behind it.
 */
import { coordinate, horizontalAxis, valueScale, type Axis, type PlotArea } from './axis.js';
import { chartFigure, rowPlaces, type Drawing } from './chart-figure.js';
import { html, type Html } from './html.js';
import { toneClass, type Tone } from './tone.js';

export interface Bar {
  readonly name: string;
  /** At least 0. */
  readonly value: number;
  /** The value as it is written. */
  readonly text: string;
}

export interface BarChart {
  /** What the chart shows, for those who cannot see it. */
  readonly description: string;
  readonly caption?: string;
  readonly axis: Axis;
  readonly bars: readonly Bar[];
  readonly tone: Tone;
}

const BAR = 16;
const TOP = 4;

/** A chart that is as high as its bars need. */
export function barChart({ description, caption, axis, bars, tone }: BarChart): Html {
  return chartFigure({ description, caption, draw: (width) => drawing(width, { axis, bars, tone }) });
}

function drawing(width: number, { axis, bars, tone }: Pick<BarChart, 'axis' | 'bars' | 'tone'>): Drawing {
  const names = bars.map(({ name }) => name);
  const places = rowPlaces(width, { names, values: bars.map(({ text }) => text), mark: BAR });
  const { left, right, row, middle, baseline } = places;
  const plot: PlotArea = { left, right, top: TOP, bottom: TOP + row * bars.length };
  const scale = valueScale(axis, [0, ...bars.map(({ value }) => value)], [left, right]);
  const drawn = bars.map(({ name, value, text }, i) => {
    const y = TOP + i * row;
    const end = coordinate(scale(value));
    const { x = Math.max(left, end) + 6, anchor } = places.value;
    return html`<text x="${places.name.x}" y="${y + baseline}" text-anchor="${places.name.anchor}">${name}</text>
      <rect
        class="bar"
        x="${left}"
        y="${y + middle - BAR / 2}"
        width="${Math.max(0, coordinate(end - left))}"
        height="${BAR}"
      />
      <text x="${x}" y="${y + baseline}" text-anchor="${anchor}">${text}</text>`;
  });
  return {
    height: plot.bottom + 44,
    content: [horizontalAxis(axis, scale, plot), html`<g class="${toneClass(tone)}">${drawn}</g>`],
  };
}
