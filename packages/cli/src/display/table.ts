/**
 * Plain tables: columns as wide as their widest cell, numbers to the right. No borders, so that a table pastes well. The
 * last column may be wrapped to the width of a terminal. A cell cannot leave its line.
 */
import { visibleLine } from '@facet/shared';

export interface TableOptions {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns whose cells stand to the right. */
  readonly right?: readonly number[];
  /** Width that the last column is wrapped to; absent: it is as wide as it is. */
  readonly columns?: number | undefined;
}

const GAP = '  ';
/** Narrower than this, a wrapped column is harder to read than a long line. */
const LEAST_WRAP = 20;

/** The lines of a table; trailing blanks are cut. */
export function tableLines(options: TableOptions): string[] {
  return tableBlocks(options).flat();
}

/** The lines of the header and of every row, in that order. */
export function tableBlocks({ header, rows, right = [], columns }: TableOptions): string[][] {
  const all = [header, ...rows].map((row) => row.map(visibleLine));
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const indent = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  const room = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(columns - indent, LEAST_WRAP);
  return all.map((row) => {
    const [first = '', ...more] = wrapText(row[widths.length - 1] ?? '', room);
    const line = [...row.slice(0, widths.length - 1), first]
      .map((cell, column) => {
        const width = column === widths.length - 1 ? Math.min(widths[column]!, room) : widths[column]!;
        return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join(GAP)
      .trimEnd();
    return [line, ...more.map((rest) => `${' '.repeat(indent)}${rest}`)];
  });
}

/** Text in lines of at most so many characters, broken between words; a word that is longer stays whole. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
