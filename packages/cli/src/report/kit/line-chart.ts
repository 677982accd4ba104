/**
 * Curves over a common axis, each with an optional band around it. Series differ by colour and by dashes, so that they can
 * be told apart without colour; short ones also have dots that say their values.
 */
import { area, line } from 'd3-shape';
import {
  coordinate,
  horizontalAxis,
  valueScale,
  verticalAxis,
  type Axis,
  type PlotArea,
  type ValueScale,
} from './axis.js';
import { chartFigure } from './chart-figure.js';
import { html, type Html } from './html.js';
import { SERIES_COUNT } from './stylesheet.js';

export interface LinePoint {
  readonly x: number;
  /** A value that is no finite number is a gap. */
  readonly y: number;
  /** Ends of the interval around the value. */
  readonly low?: number;
  readonly high?: number;
}

export interface LineSeries {
  readonly name: string;
  /** In the order of x. */
  readonly points: readonly LinePoint[];
}

export interface LineChart {
  /** What the chart shows, for those who cannot see it. */
  readonly description: string;
  readonly caption?: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly LineSeries[];
}

const SIZE = { width: 640, height: 300 };
const AREA: PlotArea = { left: 62, right: 626, top: 32, bottom: 252 };
const DASHES = ['none', '7 4', '2 3', '10 3 2 3', '4 2', '12 4'];
/** Longer series are curves only. */
const DOTS_AT_MOST = 24;

/** A chart with a legend when it has more than one series. */
export function lineChart({ description, caption, x, y, series }: LineChart): Html {
  const points = series.flatMap((each) => each.points);
  const across = points.map((point) => point.x);
  const heights = points.flatMap(({ y: value, low = value, high = value }) => [value, low, high]);
  const scales: Scales = {
    x: valueScale(x, across, [AREA.left, AREA.right]),
    y: valueScale(y, heights, [AREA.bottom, AREA.top]),
  };
  return chartFigure({
    ...SIZE,
    description,
    caption,
    legend: series.length > 1 ? legendOf(series) : undefined,
    content: [
      horizontalAxis(x, scales.x, AREA),
      verticalAxis(y, scales.y, AREA),
      series.map((each, i) => seriesHtml(each, i, scales)),
    ],
  });
}

interface Scales {
  readonly x: ValueScale;
  readonly y: ValueScale;
}

function seriesHtml({ name, points }: LineSeries, i: number, scales: Scales): Html {
  const drawn = points.filter(isDefined);
  return html`<g class="${seriesClass(i)}">
    <path class="band" d="${bandPath(points, scales)}" />
    <path class="curve" stroke-dasharray="${dashesOf(i)}" d="${curvePath(points, scales)}" />
    ${drawn.length > DOTS_AT_MOST ? undefined : drawn.map((point) => dotHtml(name, point, scales))}
  </g>`;
}

function dotHtml(name: string, { x, y }: LinePoint, scales: Scales): Html {
  return html`<circle class="dot" cx="${coordinate(scales.x(x))}" cy="${coordinate(scales.y(y))}" r="3">
    <title>${name}: ${Number(x.toPrecision(4))}, ${Number(y.toPrecision(4))}</title>
  </circle>`;
}

function curvePath(points: readonly LinePoint[], scales: Scales): string | undefined {
  const curve = line<LinePoint>()
    .x(({ x }) => coordinate(scales.x(x)))
    .y(({ y }) => coordinate(scales.y(y)))
    .defined(isDefined);
  return curve(points) ?? undefined;
}

/** Nothing where a series has no interval. */
function bandPath(points: readonly LinePoint[], scales: Scales): string | undefined {
  const band = area<LinePoint>()
    .x(({ x }) => coordinate(scales.x(x)))
    .y0(({ low = Number.NaN }) => coordinate(scales.y(low)))
    .y1(({ high = Number.NaN }) => coordinate(scales.y(high)))
    .defined(({ low, high }) => low !== undefined && high !== undefined);
  return band(points) ?? undefined;
}

const isDefined = ({ y }: LinePoint): boolean => Number.isFinite(y);

function legendOf(series: readonly LineSeries[]): Html {
  const entries = series.map(
    ({ name, points }, i) =>
      html`<li class="${seriesClass(i)}">
        <svg viewBox="0 0 28 8" aria-hidden="true">
          ${
            points.length === 1
              ? html`<circle class="dot" cx="14" cy="4" r="3" />`
              : html`<path class="curve" stroke-dasharray="${dashesOf(i)}" d="M0 4H28" />`
          }
        </svg>
        ${name}
      </li>`,
  );
  return html`<ul class="legend">
    ${entries}
  </ul>`;
}

const seriesClass = (i: number): string => `series-${(i % SERIES_COUNT) + 1}`;
const dashesOf = (i: number): string => DASHES[i % DASHES.length]!;
