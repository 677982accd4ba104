/**
 * What all charts have around them: the figure, its legend and caption, and a drawing that is read aloud as one picture. A
 * chart is drawn twice, for wide and for narrow windows, so that its text has its size in both; the style sheet shows one.
 */
import { html, type Html, type HtmlPart } from './html.js';

export interface Drawing {
  /** Of the view box. */
  readonly height: number;
  readonly content: HtmlPart;
}

export interface ChartFigure {
  /** What the chart shows, for those who cannot see it. */
  readonly description: string;
  readonly caption?: string | undefined;
  readonly legend?: Html | undefined;
  /** Draws into a view box of this width. */
  readonly draw: (width: number) => Drawing;
}

/** Widths of the view boxes: about those of the page, so that text is drawn at about its own size. */
const WIDTHS = { wide: 640, narrow: 350 } as const;
/** Below this width names and values stand above their marks, because there is no room beside them. */
const STACKED_BELOW = 480;

/** A chart as a figure. */
export function chartFigure({ description, caption, legend, draw }: ChartFigure): Html {
  const drawings = (['wide', 'narrow'] as const).map((size) => {
    const width = WIDTHS[size];
    const { height, content } = draw(width);
    return html`<svg class="${size}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${description}">
      ${content}
    </svg>`;
  });
  return html`<figure class="chart">
    ${legend} ${drawings} ${caption === undefined ? undefined : html`<figcaption>${caption}</figcaption>`}
  </figure>`;
}

/** Where the rows of a chart with one mark a row lie. */
export interface RowPlaces {
  /** Ends of the marks. */
  readonly left: number;
  readonly right: number;
  /** Height of a row. */
  readonly row: number;
  /** Middle of a row's mark, from the top of the row. */
  readonly middle: number;
  /** Baseline of the row's text, from the top of the row. */
  readonly baseline: number;
  /** Where names end or begin, and where values do. */
  readonly name: { readonly x: number; readonly anchor: 'start' | 'end' };
  readonly value: { readonly x: number | undefined; readonly anchor: 'start' | 'end' };
}

export interface RowLabels {
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** Height of a mark. */
  readonly mark: number;
}

/** Places of rows: names to the left and values to the right of the marks, or both above them where it is narrow. */
export function rowPlaces(width: number, { names, values, mark }: RowLabels): RowPlaces {
  if (width < STACKED_BELOW) {
    return {
      ...{ left: 8, right: width - 12, row: 24 + mark, middle: 18 + mark / 2, baseline: 13 },
      name: { x: 8, anchor: 'start' },
      value: { x: width - 4, anchor: 'end' },
    };
  }
  const [left, room] = [labelRoom(names), labelRoom(values)];
  return {
    ...{ left, right: width - room, row: mark + 9, middle: (mark + 9) / 2, baseline: (mark + 9) / 2 + 4 },
    name: { x: left - 10, anchor: 'end' },
    value: { x: undefined, anchor: 'start' },
  };
}

/** Room that labels beside a chart need: a generous width for each character, within bounds. */
function labelRoom(labels: readonly string[]): number {
  const longest = Math.max(0, ...labels.map((label) => label.length));
  return Math.min(240, Math.max(48, 7 * longest + 14));
}
