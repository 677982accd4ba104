/**
 * Estimates with their intervals, one under the other, against a line that means no effect.
 */
import { coordinate, horizontalAxis, valueScale, type Axis, type PlotArea } from './axis.js';
import { chartFigure, labelRoom } from './chart-figure.js';
import { html, type Html } from './html.js';

export interface ForestRow {
  readonly name: string;
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  /** The estimate and its interval as they are written. */
  readonly text: string;
}

export interface ForestPlot {
  /** What the chart shows, for those who cannot see it. */
  readonly description: string;
  readonly caption?: string;
  readonly axis: Axis;
  readonly rows: readonly ForestRow[];
  /** Where there is no effect; 0 when left out. */
  readonly reference?: number;
}

const WIDTH = 640;
const ROW = 28;

/** A chart that is as high as its rows need. */
export function forestPlot({ description, caption, axis, rows, reference = 0 }: ForestPlot): Html {
  const left = labelRoom(rows.map(({ name }) => name));
  const right = WIDTH - labelRoom(rows.map(({ text }) => text));
  const plot: PlotArea = { left, right, top: 4, bottom: 4 + ROW * rows.length };
  const values = rows.flatMap(({ estimate, low, high }) => [estimate, low, high]);
  const scale = valueScale(axis, [reference, ...values], [left, right]);
  const zero = coordinate(scale(reference));
  const drawn = rows.map(({ name, estimate, low, high, text }, i) => {
    const y = plot.top + (i + 0.5) * ROW;
    return html`<text x="${left - 10}" y="${y + 4}" text-anchor="end">${name}</text>
      <line class="whisker" x1="${coordinate(scale(low))}" x2="${coordinate(scale(high))}" y1="${y}" y2="${y}" />
      <circle class="dot" cx="${coordinate(scale(estimate))}" cy="${y}" r="5" />
      <text x="${right + 10}" y="${y + 4}">${text}</text>`;
  });
  return chartFigure({
    width: WIDTH,
    height: plot.bottom + 44,
    description,
    caption,
    content: [
      horizontalAxis(axis, scale, plot),
      html`<line class="rule" x1="${zero}" x2="${zero}" y1="${plot.top}" y2="${plot.bottom}" />`,
      html`<g class="series-1">${drawn}</g>`,
    ],
  });
}
