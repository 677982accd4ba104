/** Reads a table of numbers and labels, row by row. Every fault names the file, the row and the column. */
import { TrainingError, visibleLine } from '@facet/shared';
import { CsvReader, type CsvFault, type CsvRow } from '../format/csv.js';
import { textPieces } from './text-pieces.js';

/** How a table is read. */
export interface TableForm {
  /** Undefined: the table has none, or it is not read. */
  readonly label: string | number | undefined;
  readonly labelIs: 'class' | 'number';
  readonly features: readonly (string | number)[] | undefined;
  readonly hasHeader: boolean;
  readonly separator: string;
}

/** A table in memory. */
export interface Table {
  readonly path: string;
  readonly rows: number;
  readonly featureNames: readonly string[];
  /** [rows, features] */
  readonly features: Float32Array;
  /** As they are written; numbers where the label is one. None where no label is read. */
  readonly labels: readonly string[];
  /** On which line of the file every row begins, from 1. */
  readonly lines: readonly number[];
}

/** Where the columns of a table are. */
interface Layout {
  /** Of all columns, for messages. */
  readonly names: readonly string[];
  /** Undefined: none is read. */
  readonly label: number | undefined;
  readonly features: readonly number[];
}

const MOST_FILE_BYTES = 2 ** 32;
const FIRST_CAPACITY = 1_024;
/** What Python and C read as a number, without their names for infinity and for none. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const WHOLE_NUMBER = /^-?\d{1,15}$/;

/** @throws TrainingError DATASET_UNAVAILABLE, DATASET_INVALID, CONFIG_INVALID; see {@link csv}. */
export async function readTable(path: string, form: TableForm): Promise<Table> {
  const reader = new CsvReader(form.separator);
  let table: TableBuilder | undefined;
  const take = (found: readonly CsvRow[] | CsvFault): void => {
    if ('problem' in found) throw invalid(path, `line ${found.line} ${found.problem}`);
    for (const row of found) {
      if (table !== undefined) table.add(row);
      else {
        table = new TableBuilder(path, layoutOf(path, row, form), form.labelIs);
        if (!form.hasHeader) table.add(row);
      }
    }
  };
  for await (const piece of textPieces(path, MOST_FILE_BYTES)) take(reader.push(piece));
  take(reader.end());
  if (table === undefined) throw invalid(path, `is empty, expected ${form.hasHeader ? 'a header and rows' : 'rows'}`);
  return table.finished();
}

/** The different labels of a table: whole numbers by size, else as JavaScript sorts. */
export function classesOf({ labels }: Table): string[] {
  const different = [...new Set(labels)];
  const areWhole = different.every((label) => WHOLE_NUMBER.test(label));
  return areWhole ? different.sort((a, b) => Number(a) - Number(b)) : different.sort();
}

function layoutOf(path: string, { cells }: CsvRow, { label, features, hasHeader }: TableForm): Layout {
  const names = hasHeader ? cells.map((cell) => cell.trim()) : cells.map((_, place) => String(place));
  const placeOf = (column: string | number): number => {
    const place = typeof column === 'number' ? column : hasHeader ? names.indexOf(column) : -1;
    if (names[place] === undefined) throw unknownColumn(path, column, names, hasHeader);
    if (typeof column === 'string' && names.lastIndexOf(column) !== place) {
      throw invalid(path, `has two columns '${visibleLine(column)}', expected one`);
    }
    return place;
  };
  const labelPlace = label === undefined ? undefined : placeOf(label);
  const all = names.map((_, place) => place).filter((place) => place !== labelPlace);
  const featurePlaces = features === undefined ? all : features.map(placeOf);
  if (featurePlaces.length === 0) throw invalid(path, 'has no column but the label, expected columns of numbers');
  return { names, label: labelPlace, features: featurePlaces };
}

/** Grows with the rows. */
class TableBuilder {
  readonly #path: string;
  readonly #layout: Layout;
  readonly #labelIs: TableForm['labelIs'];
  readonly #labels: string[] = [];
  readonly #lines: number[] = [];
  #features: Float32Array;

  constructor(path: string, layout: Layout, labelIs: TableForm['labelIs']) {
    this.#path = path;
    this.#layout = layout;
    this.#labelIs = labelIs;
    this.#features = new Float32Array(FIRST_CAPACITY * layout.features.length);
  }

  add({ cells, line }: CsvRow): void {
    const { names, label, features } = this.#layout;
    const row = this.#lines.length;
    const where = `row ${row + 1} (line ${line})`;
    if (cells.length !== names.length) {
      throw invalid(this.#path, `: ${where} has ${cells.length} cells, expected ${names.length}, one for every column`);
    }
    const start = row * features.length;
    if (start + features.length > this.#features.length) {
      const grown = new Float32Array(this.#features.length * 2);
      grown.set(this.#features);
      this.#features = grown;
    }
    features.forEach((place, i) => {
      this.#features[start + i] = this.#numberIn(cells[place]!, where, names[place]!);
    });
    this.#lines.push(line);
    if (label === undefined) return;
    const text = cells[label]!.trim();
    if (this.#labelIs === 'number') this.#numberIn(text, where, names[label]!);
    if (text === '')
      throw invalid(this.#path, `: ${where} has nothing in column '${visibleLine(names[label]!)}', expected a label`);
    this.#labels.push(text);
  }

  finished(): Table {
    const { names, features } = this.#layout;
    const rows = this.#lines.length;
    return {
      path: this.#path,
      rows,
      featureNames: features.map((place) => names[place]!),
      features: this.#features.slice(0, rows * features.length),
      labels: this.#labels,
      lines: this.#lines,
    };
  }

  #numberIn(cell: string, where: string, column: string): number {
    const text = cell.trim();
    const value = Number(text);
    if (NUMBER.test(text) && Number.isFinite(Math.fround(value))) return value;
    const actual = text === '' ? 'nothing' : `'${visibleLine(text)}'`;
    throw invalid(this.#path, `: ${where} has ${actual} in column '${visibleLine(column)}', expected a number`);
  }
}

function unknownColumn(
  path: string,
  column: string | number,
  names: readonly string[],
  hasHeader: boolean,
): TrainingError {
  const expected = hasHeader ? `one of: ${visibleLine(names.join(', '))}` : `a number from 0 to ${names.length - 1}`;
  const fault = `${path} has no column ${JSON.stringify(column)}, expected ${expected}`;
  return new TrainingError('CONFIG_INVALID', fault);
}

function invalid(path: string, problem: string): TrainingError {
  return new TrainingError('DATASET_INVALID', `${path}${problem.startsWith(':') ? '' : ' '}${problem}`);
}
