/**
 * Estimates with their intervals, one under the other, against a line that means no effect.
 */
import { coordinate, horizontalAxis, valueScale, type Axis, type PlotArea } from './axis.js';
import { chartFigure, rowPlaces, type Drawing } from './chart-figure.js';
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

const MARK = 19;
const TOP = 4;

/** A chart that is as high as its rows need. */
export function forestPlot({ description, caption, ...plot }: ForestPlot): Html {
  return chartFigure({ description, caption, draw: (width) => drawing(width, plot) });
}

function drawing(
  width: number,
  { axis, rows, reference = 0 }: Pick<ForestPlot, 'axis' | 'rows' | 'reference'>,
): Drawing {
  const names = rows.map(({ name }) => name);
  const places = rowPlaces(width, { names, values: rows.map(({ text }) => text), mark: MARK });
  const { left, right, row, middle, baseline } = places;
  const plot: PlotArea = { left, right, top: TOP, bottom: TOP + row * rows.length };
  const values = rows.flatMap(({ estimate, low, high }) => [estimate, low, high]);
  const scale = valueScale(axis, [reference, ...values], [left, right]);
  const zero = coordinate(scale(reference));
  const drawn = rows.map(({ name, estimate, low, high, text }, i) => {
    const y = TOP + i * row;
    const { x = right + 10, anchor } = places.value;
    return html`<text x="${places.name.x}" y="${y + baseline}" text-anchor="${places.name.anchor}">${name}</text>
      <line
        class="whisker"
        x1="${coordinate(scale(low))}"
        x2="${coordinate(scale(high))}"
        y1="${y + middle}"
        y2="${y + middle}"
      />
      <circle class="dot" cx="${coordinate(scale(estimate))}" cy="${y + middle}" r="5" />
      <text x="${x}" y="${y + baseline}" text-anchor="${anchor}">${text}</text>`;
  });
  return {
    height: plot.bottom + 44,
    content: [
      horizontalAxis(axis, scale, plot),
      html`<line class="rule" x1="${zero}" x2="${zero}" y1="${plot.top}" y2="${plot.bottom}" />`,
      html`<g class="series-1">${drawn}</g>`,
    ],
  };
}
