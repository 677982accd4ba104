/**
 * Horizontal bars from zero, one for each name, with the value written behind it.
 */
import { coordinate, horizontalAxis, valueScale, type Axis, type PlotArea } from './axis.js';
import { chartFigure, labelRoom } from './chart-figure.js';
import { html, type Html } from './html.js';

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
}

const WIDTH = 640;
const ROW = 24;
const BAR = 16;

/** A chart that is as high as its bars need. */
export function barChart({ description, caption, axis, bars }: BarChart): Html {
  const left = labelRoom(bars.map(({ name }) => name));
  const plot: PlotArea = {
    left,
    right: WIDTH - labelRoom(bars.map(({ text }) => text)),
    top: 4,
    bottom: 4 + ROW * bars.length,
  };
  const scale = valueScale(axis, [0, ...bars.map(({ value }) => value)], [plot.left, plot.right]);
  const drawn = bars.map(({ name, value, text }, i) => {
    const y = plot.top + i * ROW + (ROW - BAR) / 2;
    const end = coordinate(scale(value));
    return html`<text x="${left - 10}" y="${y + 12}" text-anchor="end">${name}</text>
      <rect class="bar" x="${left}" y="${y}" width="${Math.max(0, coordinate(end - left))}" height="${BAR}" />
      <text x="${Math.max(left, end) + 6}" y="${y + 12}">${text}</text>`;
  });
  return chartFigure({
    width: WIDTH,
    height: plot.bottom + 44,
    description,
    caption,
    content: [horizontalAxis(axis, scale, plot), html`<g class="series-1">${drawn}</g>`],
  });
}
