/**
 * Curves over a common axis, each with an optional band around it. Series differ by colour and by dashes, so that they can
 * be told apart without colour; short ones also have dots that say their values.
 */
import { area, line, symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle } from 'd3-shape';
import {
  coordinate,
  horizontalAxis,
  valueScale,
  verticalAxis,
  type Axis,
  type PlotArea,
  type ValueScale,
} from './axis.js';
import { chartFigure, type Drawing } from './chart-figure.js';
import { html, type Html } from './html.js';
import { SERIES_COUNT } from './stylesheet.js';
import { toneClass, type Tone } from './tone.js';

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
  /** In the order of x; a single point is drawn as a mark of its own shape. */
  readonly points: readonly LinePoint[];
  /** Absent: the next of the series colours. */
  readonly tone?: Tone;
}

export interface LineChart {
  /** What the chart shows, for those who cannot see it. */
  readonly description: string;
  readonly caption?: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly LineSeries[];
}

const HEIGHT = 300;
/** What is left free around the plot. */
const MARGIN = { left: 62, right: 16, top: 32, bottom: 48 };
const MARKS = [symbolSquare, symbolTriangle, symbolDiamond, symbolCircle];
/** Of a mark, in square pixels. */
const MARK_AREA = 90;
const DASHES = ['none', '7 4', '2 3', '10 3 2 3', '4 2', '12 4'];
/** Longer series are curves only. */
const DOTS_AT_MOST = 24;

/** A chart with a legend when it has more than one series. */
export function lineChart({ description, caption, x, y, series }: LineChart): Html {
  const points = series.flatMap((each) => each.points);
  const across = points.map((point) => point.x);
  const heights = points.flatMap(({ y: value, low = value, high = value }) => [value, low, high]);
  const draw = (width: number): Drawing => {
    const plot: PlotArea = {
      ...{ left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: HEIGHT - MARGIN.bottom },
    };
    const scales: Scales = {
      x: valueScale(x, across, [plot.left, plot.right]),
      y: valueScale(y, heights, [plot.bottom, plot.top]),
    };
    const content = [
      horizontalAxis(x, scales.x, plot),
      verticalAxis(y, scales.y, plot),
      series.map((each, i) => seriesHtml(each, i, scales)),
    ];
    return { height: HEIGHT, content };
  };
  return chartFigure({ description, caption, legend: series.length > 1 ? legendOf(series) : undefined, draw });
}

interface Scales {
  readonly x: ValueScale;
  readonly y: ValueScale;
}

function seriesHtml(series: LineSeries, i: number, scales: Scales): Html {
  const { name, points } = series;
  const drawn = points.filter(isDefined);
  if (points.length === 1) {
    return html`<g class="${seriesClass(series, i)}">${drawn.map((point) => markHtml(name, point, i, scales))}</g>`;
  }
  return html`<g class="${seriesClass(series, i)}">
    <path class="band" d="${bandPath(points, scales)}" />
    <path class="curve" stroke-dasharray="${dashesOf(i)}" d="${curvePath(points, scales)}" />
    ${drawn.length > DOTS_AT_MOST ? undefined : drawn.map((point) => dotHtml(name, point, scales))}
  </g>`;
}

function dotHtml(name: string, point: LinePoint, scales: Scales): Html {
  const [x, y] = [coordinate(scales.x(point.x)), coordinate(scales.y(point.y))];
  return html`<circle class="dot" cx="${x}" cy="${y}" r="3">${titleOf(name, point)}</circle>`;
}

/** Large and hollow: it is seen over a curve, and so is the curve under it. */
function markHtml(name: string, point: LinePoint, i: number, scales: Scales): Html {
  const [x, y] = [coordinate(scales.x(point.x)), coordinate(scales.y(point.y))];
  return html`<path class="mark" transform="translate(${x} ${y})" d="${markPath(i)}">${titleOf(name, point)}</path>`;
}

function titleOf(name: string, { x, y }: LinePoint): Html {
  return html`<title>${name}: ${Number(x.toPrecision(4))}, ${Number(y.toPrecision(4))}</title>`;
}

function markPath(i: number): string {
  return symbol(MARKS[i % MARKS.length], MARK_AREA)()!;
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
    (each, i) =>
      html`<li class="${seriesClass(each, i)}">
        <svg viewBox="0 0 28 16" aria-hidden="true">
          ${
            each.points.length === 1
              ? html`<path class="mark" transform="translate(14 8)" d="${markPath(i)}" />`
              : html`<path class="curve" stroke-dasharray="${dashesOf(i)}" d="M0 8H28" />`
          }
        </svg>
        ${each.name}
      </li>`,
  );
  return html`<ul class="legend">
    ${entries}
  </ul>`;
}

const seriesClass = ({ tone }: LineSeries, i: number): string =>
  tone === undefined ? `series-${(i % SERIES_COUNT) + 1}` : toneClass(tone);
const dashesOf = (i: number): string => DASHES[i % DASHES.length]!;
