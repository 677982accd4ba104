/**
 * Plain tables: columns as wide as their widest cell, numbers to the right. No borders, so that a table pastes well.
 */

export interface TableOptions {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns whose cells stand to the right. */
  readonly right?: readonly number[];
}

const GAP = '  ';

/** The lines of a table; trailing blanks are cut. */
export function tableLines({ header, rows, right = [] }: TableOptions): string[] {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all.map((row) =>
    widths
      .map((width, column) => {
        const cell = row[column] ?? '';
        return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join(GAP)
      .trimEnd(),
  );
}
