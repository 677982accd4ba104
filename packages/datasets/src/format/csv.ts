/**
 * Tables of text with separators (RFC 4180): cells may be quoted, and a quoted cell may hold separators, line ends and, written
 * twice, quotes. Text comes in pieces of any length. Empty lines are left out.
 *
 * Why no library: csv-parse 7.0.3 takes a Windows line end for two where a piece ends in the middle of it, so the lines that it
 * names are wrong from there on; and of a quoted cell that does not end it names the last line of the file, not the cell's.
 */

/** One row of a table. */
export interface CsvRow {
  readonly cells: readonly string[];
  /** The line of the text on which the row begins, from 1. */
  readonly line: number;
}

/** What is wrong with a table, and where. */
export interface CsvFault {
  readonly line: number;
  readonly problem: string;
}

/** Where the reader stands: before a cell, in a plain or a quoted one, or after a quote in a quoted one. */
type State = 'before' | 'plain' | 'quoted' | 'quote-in-quoted';

/** Reads a table piece by piece. */
export class CsvReader {
  readonly #separator: string;
  #state: State = 'before';
  #cell = '';
  #cells: string[] = [];
  #line = 1;
  #rowLine = 1;
  #cellLine = 1;
  #wasReturn = false;

  /** @param separator - One character, neither a quote nor a line end. */
  constructor(separator: string) {
    this.#separator = separator;
  }

  /** The rows that end in this piece, or the first fault. */
  push(text: string): readonly CsvRow[] | CsvFault {
    const rows: CsvRow[] = [];
    for (let at = 0; at < text.length;) {
      if (this.#state === 'plain' || this.#state === 'quoted') at = this.#takeRun(text, at);
      if (at === text.length) break;
      const fault = this.#take(text[at]!, rows);
      if (fault !== undefined) return fault;
      at += 1;
    }
    return rows;
  }

  /** The row that no line end follows, if there is one, or a fault. */
  end(): readonly CsvRow[] | CsvFault {
    if (this.#state === 'quoted') return { line: this.#cellLine, problem: 'has a quoted cell that does not end' };
    const rows: CsvRow[] = [];
    this.#endRow(rows);
    return rows;
  }

  /** Takes what has no meaning of its own at once. */
  #takeRun(text: string, from: number): number {
    let to = from;
    for (; to < text.length; to++) {
      const character = text[to]!;
      if (character === '"' || character === '\n' || character === '\r') break;
      if (this.#state === 'plain' && character === this.#separator) break;
    }
    this.#cell += text.slice(from, to);
    if (to > from) this.#wasReturn = false;
    return to;
  }

  #take(character: string, rows: CsvRow[]): CsvFault | undefined {
    const isSecondOfLineEnd = character === '\n' && this.#wasReturn;
    this.#wasReturn = character === '\r';
    const isLineEnd = character === '\n' || character === '\r';
    if (isLineEnd && !isSecondOfLineEnd) this.#line += 1;
    switch (this.#state) {
      case 'quoted':
        if (character === '"') this.#state = 'quote-in-quoted';
        else this.#cell += character;
        return undefined;
      case 'quote-in-quoted':
        if (character === '"') {
          this.#cell += '"';
          this.#state = 'quoted';
          return undefined;
        }
        if (!isLineEnd && character !== this.#separator) {
          return { line: this.#line, problem: `has '${character}' after a quoted cell, expected '${this.#separator}'` };
        }
        return this.#endCellOrRow(character, isSecondOfLineEnd, rows);
      case 'before':
        if (character === '"') {
          this.#state = 'quoted';
          this.#cellLine = this.#line;
          return undefined;
        }
        return this.#endCellOrRow(character, isSecondOfLineEnd, rows);
      case 'plain':
        if (character === '"') return { line: this.#line, problem: `has a quote inside the cell '${this.#cell}'` };
        return this.#endCellOrRow(character, isSecondOfLineEnd, rows);
      default:
        return this.#state satisfies never;
    }
  }

  #endCellOrRow(character: string, isSecondOfLineEnd: boolean, rows: CsvRow[]): undefined {
    if (character === this.#separator) {
      this.#cells.push(this.#cell);
      this.#cell = '';
      this.#state = 'before';
    } else if (character !== '\n' && character !== '\r') {
      this.#cell = character;
      this.#state = 'plain';
    } else if (isSecondOfLineEnd) this.#rowLine = this.#line;
    else this.#endRow(rows);
  }

  #endRow(rows: CsvRow[]): void {
    const isEmptyLine = this.#cells.length === 0 && this.#cell === '' && this.#state === 'before';
    if (!isEmptyLine) rows.push({ cells: [...this.#cells, this.#cell], line: this.#rowLine });
    this.#cells = [];
    this.#cell = '';
    this.#state = 'before';
    this.#rowLine = this.#line;
  }
}
