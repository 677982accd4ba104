/**
 * Tables: the first cell of a row is its header, numbers stand to the right in figures of equal width.
 */
import { html, type Html, type HtmlPart } from './html.js';
import { tableFrame } from './table-frame.js';

export interface DataTable {
  readonly caption?: HtmlPart;
  readonly header: readonly string[];
  /** As many cells in each row as in the header. */
  readonly rows: readonly (readonly HtmlPart[])[];
  /** Columns of numbers, from 0. */
  readonly numbers?: readonly number[];
}

/** A text of more characters gets room to wrap in, instead of a column of single words. */
const LONG = 24;

/** A table that scrolls by itself where the window is narrow. */
export function dataTable({ caption, header, rows, numbers = [] }: DataTable): Html {
  const kind = (column: number, cell?: HtmlPart): string => {
    if (numbers.includes(column)) return 'number';
    return typeof cell === 'string' && cell.length > LONG ? 'text long' : 'text';
  };
  const head = header.map((text, column) => html`<th scope="col" class="${kind(column)}">${text}</th>`);
  const body = rows.map(([first, ...rest]) => {
    const cells = rest.map((cell, i) => html`<td class="${kind(i + 1, cell)}">${cell}</td>`);
    return html`<tr>
      <th scope="row" class="${kind(0)}">${first}</th>
      ${cells}
    </tr>`;
  });
  return tableFrame({ caption, head, body });
}
