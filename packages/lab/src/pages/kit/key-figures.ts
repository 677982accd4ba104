/**
 * The few numbers that a reader looks for first.
 */
import { html, type Html } from './html.js';

export interface KeyFigure {
  readonly label: string;
  readonly value: string;
  /** Such as an interval, or what the number is over. */
  readonly note?: string | undefined;
}

/** A row of figures, each with its label. */
export function keyFigures(figures: readonly KeyFigure[]): Html {
  const entries = figures.map(
    ({ label, value, note }) =>
      html`<div>
        <dt>${label}</dt>
        <dd class="value">${value}</dd>
        ${note === undefined ? undefined : html`<dd class="note">${note}</dd>`}
      </div>`,
  );
  return html`<dl class="figures">${entries}</dl>`;
}
