/**
 * What all charts have around them: the figure, its legend and caption, and a drawing that is read aloud as one picture.
 */
import { html, type Html, type HtmlPart } from './html.js';

export interface ChartFigure {
  /** Of the view box; the drawing grows and shrinks with the page. */
  readonly width: number;
  readonly height: number;
  /** What the chart shows, for those who cannot see it. */
  readonly description: string;
  readonly caption?: string | undefined;
  readonly legend?: Html | undefined;
  readonly content: HtmlPart;
}

/** A chart as a figure. */
export function chartFigure({ width, height, description, caption, legend, content }: ChartFigure): Html {
  return html`<figure class="chart">
    ${legend}
    <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${description}">${content}</svg>
    ${caption === undefined ? undefined : html`<figcaption>${caption}</figcaption>`}
  </figure>`;
}

/** Room that labels at the left of a chart need: a generous width for each character, within bounds. */
export function labelRoom(labels: readonly string[]): number {
  const longest = Math.max(0, ...labels.map((label) => label.length));
  return Math.min(240, Math.max(48, 7 * longest + 14));
}
