/**
 * Axes of charts: round ticks (d3-scale), a grid line for each, and the label of what is measured. Coordinates are those of
 * the chart's view box.
 */
import { scaleLinear, scaleLog, type ScaleContinuousNumeric } from 'd3-scale';
import { formatCount } from '../../words/format.js';
import { html, type Html } from './html.js';

export interface Axis {
  readonly label: string;
  /**
   * `percent` writes fractions of 1 as percentages; `whole` has ticks at whole numbers only, for what is counted; `log2` and
   * `log10` are for values above 0; `number` when left out.
   */
  readonly kind?: 'number' | 'percent' | 'whole' | 'log2' | 'log10';
  /** Where the axis ends; when left out, at round numbers around the values. */
  readonly domain?: readonly [number, number];
}

/** Where the plot lies in its view box. */
export interface PlotArea {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export type ValueScale = ScaleContinuousNumeric<number, number>;

/** Room for a tick and its label. */
const TICK_PIXELS = 76;
const TICKS_UP = 5;

/** The scale of an axis over values, of which those that are no finite numbers count as absent. */
export function valueScale(
  { kind, domain }: Axis,
  values: readonly number[],
  range: readonly [number, number],
): ValueScale {
  const finite = values.filter(Number.isFinite);
  const base = { log2: 2, log10: 10 }[kind as string];
  const scale: ValueScale = (base === undefined ? scaleLinear() : scaleLog().base(base)).range(range);
  if (domain !== undefined) return scale.domain(domain);
  if (finite.length === 0) return scale.domain(base === undefined ? [0, 1] : [1, base]);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  if (base !== undefined) return scale.domain(low === high ? [low / base, high * base] : [low, high]);
  // A single value still needs room on both sides.
  const margin = low === high ? Math.abs(low) / 2 || 1 : 0;
  return scale.domain([low - margin, high + margin]).nice(TICKS_UP);
}

/** Grid lines, tick labels and label of the horizontal axis. */
export function horizontalAxis(axis: Axis, scale: ValueScale, { left, right, top, bottom }: PlotArea): Html {
  const count = Math.max(2, Math.floor((right - left) / TICK_PIXELS));
  const format = tickFormat(axis, scale, count);
  const ticks = ticksOf(axis, scale, count).map((tick) => {
    const x = coordinate(scale(tick));
    return html`<line class="grid" x1="${x}" x2="${x}" y1="${top}" y2="${bottom}" />
      <text class="tick" x="${x}" y="${bottom + 16}" text-anchor="middle">${format(tick)}</text>`;
  });
  const middle = coordinate((left + right) / 2);
  return html`<g>
    ${ticks}<text class="axis" x="${middle}" y="${bottom + 36}" text-anchor="middle">${axis.label}</text>
  </g>`;
}

/** Grid lines and tick labels of the vertical axis, its label above it. */
export function verticalAxis(axis: Axis, scale: ValueScale, { left, right, top }: PlotArea): Html {
  const format = tickFormat(axis, scale, TICKS_UP);
  const ticks = ticksOf(axis, scale, TICKS_UP).map((tick) => {
    const y = coordinate(scale(tick));
    return html`<line class="grid" x1="${left}" x2="${right}" y1="${y}" y2="${y}" />
      <text class="tick" x="${left - 8}" y="${y + 4}" text-anchor="end">${format(tick)}</text>`;
  });
  return html`<g>${ticks}<text class="axis" x="0" y="${top - 14}">${axis.label}</text></g>`;
}

/** A coordinate as it is written: a hundredth of a pixel is enough. */
export function coordinate(value: number): number {
  return Number(value.toFixed(2));
}

function ticksOf({ kind }: Axis, scale: ValueScale, count: number): number[] {
  const ticks = scale.ticks(count);
  return kind === 'whole' ? ticks.filter(Number.isInteger) : ticks;
}

function tickFormat({ kind }: Axis, scale: ValueScale, count: number): (tick: number) => string {
  if (kind === 'whole') return formatCount;
  if (kind !== 'percent') return scale.tickFormat(count);
  const percent = scale.tickFormat(count, '%');
  return (tick) => percent(tick).replace('%', ' %');
}
