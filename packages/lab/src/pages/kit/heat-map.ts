/**
 * A table whose cells are coloured by a share: confusion matrices, accuracy by corruption and severity. It stays a table, so
 * that it can be read aloud, searched and copied; the colour only repeats what the number says.
 */
import { html, type Html, type HtmlPart } from './html.js';
import { tableFrame } from './table-frame.js';
import { toneClass, type Tone } from './tone.js';

export interface HeatCell {
  readonly text: string;
  /** How strongly the cell is coloured, 0..1. */
  readonly share: number;
  readonly tone: Tone;
}

export interface HeatMap {
  readonly caption: HtmlPart;
  /** What rows and columns are, in the corner. */
  readonly corner: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** [row][column] */
  readonly cells: readonly (readonly HeatCell[])[];
}

/** A coloured table; text keeps its contrast at every share. */
export function heatMap({ caption, corner, rows, columns, cells }: HeatMap): Html {
  const body = rows.map(
    (name, row) =>
      html`<tr>
        <th scope="row">${name}</th>
        ${(cells[row] ?? []).map(cellHtml)}
      </tr>`,
  );
  const head = html`<th scope="col" class="corner">${corner}</th>
    ${columns.map((name) => html`<th scope="col">${name}</th>`)}`;
  return tableFrame({ kind: 'heat', caption, head, body });
}

function cellHtml({ text, share, tone }: HeatCell): Html {
  const bounded = Math.min(1, Math.max(0, share));
  return html`<td class="${toneClass(tone)}" style="--share: ${Number(bounded.toFixed(3))}">${text}</td>`;
}
