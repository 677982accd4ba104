/**
 * Curves in plain text, over an axis from 0: a letter for each of them, so that they are told apart without colours, in a pipe and in a log. Where two
 * meet, the later letter stands.
 */
import { formatFigure } from '@facet/lab/data';

export interface PlotSeries {
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface PlotOptions {
  /** At most 26. */
  readonly series: readonly PlotSeries[];
  /** Width in characters, with the axis. */
  readonly columns: number;
  readonly rows: number;
  readonly formatY?: (y: number) => string;
}

const LEAST_COLUMNS = 20;
const SPARKS = '▁▂▃▄▅▆▇█';

/** The letter of a series, from `a`. */
export function letterOf(index: number): string {
  return String.fromCharCode('a'.charCodeAt(0) + index);
}

/** The lines of a plot; none when no series has a finite point. */
export function plotLines({ series, columns, rows, formatY = formatFigure }: PlotOptions): string[] {
  const finite = series.map(({ points }) => points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)));
  const all = finite.flat();
  if (all.length === 0) return [];
  const [left, right] = rangeOf([0, ...all.map(({ x }) => x)]);
  const [low, high] = rangeOf(all.map(({ y }) => y));
  const labels = Array.from({ length: rows }, (_, row) => formatY(high - ((high - low) * row) / Math.max(rows - 1, 1)));
  const labelWidth = Math.max(...labels.map((label) => label.length));
  const width = Math.max(columns, LEAST_COLUMNS) - labelWidth - 2;
  const place = (value: number, from: number, to: number, cells: number): number =>
    to === from ? 0 : Math.round(((value - from) / (to - from)) * (cells - 1));
  const grid = Array.from({ length: rows }, () => Array.from({ length: width }, () => ' '));
  finite.forEach((points, index) => {
    const cells = points.map(({ x, y }) => ({ column: place(x, left, right, width), row: place(y, low, high, rows) }));
    for (const { column, row } of connected(cells)) grid[rows - 1 - row]![column] = letterOf(index);
  });
  const [first, last] = [formatFigure(left), formatFigure(right)];
  return [
    ...grid.map((cells, row) => `${labels[row]!.padStart(labelWidth)} │${cells.join('')}`.trimEnd()),
    `${' '.repeat(labelWidth)} └${'─'.repeat(width)}`,
    `${' '.repeat(labelWidth + 2)}${first}${last.padStart(Math.max(width - first.length, last.length + 1))}`,
  ];
}

interface Cell {
  readonly column: number;
  readonly row: number;
}

/** Cells, and those between two that are columns apart. */
function connected(cells: readonly Cell[]): Cell[] {
  return cells.flatMap((cell, index) => {
    const before = cells[index - 1];
    if (before === undefined) return [cell];
    const apart = cell.column - before.column;
    const between = Array.from({ length: Math.max(apart - 1, 0) }, (_, i) => ({
      column: before.column + i + 1,
      row: Math.round(before.row + ((cell.row - before.row) * (i + 1)) / apart),
    }));
    return [...between, cell];
  });
}

/** The least and the greatest value as the heights of blocks, at most so many of them: each is the mean of its stretch. */
export function sparkline(values: readonly number[], cells: number): string {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0 || cells < 1) return '';
  const count = Math.min(cells, finite.length);
  const means = Array.from({ length: count }, (_, cell) => {
    const own = finite.slice(
      Math.floor((cell * finite.length) / count),
      Math.floor(((cell + 1) * finite.length) / count),
    );
    return own.reduce((sum, value) => sum + value, 0) / own.length;
  });
  const [low, high] = rangeOf(means);
  const level = (value: number): number =>
    high === low ? 0 : Math.round(((value - low) / (high - low)) * (SPARKS.length - 1));
  return means.map((value) => SPARKS[level(value)]).join('');
}

/** Without spreading: there may be more values than a call takes. */
function rangeOf(values: readonly number[]): readonly [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}
