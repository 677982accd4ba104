/** A source made of tables of numbers with one column of labels (CSV). */
import { TrainingError, visibleLine, type TableFacts } from '@facet/shared';
import { memoryColumn, type Column } from './column.js';
import { columnSource, type Columns } from './column-source.js';
import { classesOf, readTable, type Table, type TableForm } from './csv-table.js';
import type { SampleSource } from './sample-source.js';

/** Which tables, and what their columns are. A column is named by the header, or by its number from 0. */
export interface CsvOptions {
  readonly train: string;
  /** A table with the same columns. Without it a share of the rows becomes the test split. */
  readonly test?: string;
  /** Share of the rows that becomes the test split, chosen by a hash of the row's number. Default 0.1. */
  readonly testShare?: number;
  readonly label: string | number;
  /** `class` (default): every different text in the column is a class. `number`: a number to be predicted. */
  readonly labelIs?: 'class' | 'number';
  /** Class names in the order of the labels. Default: those of `train`, whole numbers by size, else by their UTF-16 units. */
  readonly classes?: readonly string[];
  /** The columns of numbers. Default: all but the label. */
  readonly features?: readonly (string | number)[];
  /** Default true. */
  readonly hasHeader?: boolean;
  /** Default: a comma. */
  readonly separator?: string;
}

/**
 * Opens tables as a source: fields `features` [columns] of type `float32`, and `label`, `int32` for classes and `float32` for
 * numbers. Tables are read into memory, four bytes a number.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when a file cannot be read; DATASET_INVALID naming row and column of what is no
 *   number, or of a label that is no class; CONFIG_INVALID for options that make no source.
 */
export async function csv(options: CsvOptions): Promise<SampleSource> {
  const { train, test, testShare, labelIs = 'class' } = options;
  const form = formOf(options);
  const trainTable = await readTable(train, form);
  const testTable = test === undefined ? undefined : await readTable(test, form);
  const classes = labelIs === 'class' ? (options.classes ?? classesOf(trainTable)) : undefined;
  if (classes !== undefined) assertClasses(train, classes);
  if (testTable !== undefined) assertSameHeader(trainTable, testTable);
  const source = await columnSource({
    about: train,
    train: columnsOf(trainTable, classes),
    test: testTable && columnsOf(testTable, classes),
    testShare,
    classes,
  });
  const { hasHeader, separator } = form;
  return { ...source, table: { columns: trainTable.featureNames, hasHeader, separator } };
}

/**
 * Reads the numbers of further rows, such as those to predict for. Other columns are passed over, a label too. Without a header
 * the columns must stand where they stood.
 *
 * @returns [rows, columns]
 * @throws TrainingError DATASET_UNAVAILABLE when the file cannot be read; DATASET_INVALID naming row and column of what is no
 *   number; CONFIG_INVALID when a column is missing.
 */
export async function readRows(
  path: string,
  { columns, hasHeader, separator }: TableFacts,
): Promise<{ readonly rows: number; readonly features: Float32Array }> {
  const features = hasHeader ? columns : columns.map(Number);
  return readTable(path, { label: undefined, labelIs: 'class', features, hasHeader, separator });
}

function formOf({ label, labelIs = 'class', features, hasHeader = true, separator = ',' }: CsvOptions): TableForm {
  if (separator.length !== 1 || /["\r\n]/.test(separator)) {
    const fault = `csv: the separator is ${JSON.stringify(separator)}, expected one character such as ',' or ';'`;
    throw new TrainingError('CONFIG_INVALID', fault);
  }
  return { label, labelIs, features, hasHeader, separator };
}

function assertClasses(path: string, classes: readonly string[]): void {
  const twice = classes.find((name, i) => classes.indexOf(name) !== i);
  if (twice !== undefined)
    throw new TrainingError('CONFIG_INVALID', `csv: there are two classes '${twice}', expected one`);
  if (classes.length > 1) return;
  const only = visibleLine(classes[0] ?? '');
  throw new TrainingError('DATASET_INVALID', `${path} has one class alone, '${only}', expected two or more`);
}

function assertSameHeader(train: Table, test: Table): void {
  const [actual, expected] = [test.featureNames.join(', '), train.featureNames.join(', ')];
  if (actual === expected) return;
  const fault = `${test.path} has the columns ${actual}, expected ${expected} as in ${train.path}`;
  throw new TrainingError('DATASET_INVALID', fault);
}

function columnsOf(table: Table, classes: readonly string[] | undefined): Columns {
  const { rows, featureNames, features } = table;
  return {
    features: memoryColumn({ shape: [featureNames.length], type: 'float32' }, rows, features),
    label: classes === undefined ? numberLabels(table) : classLabels(table, classes),
  };
}

function numberLabels({ rows, labels }: Table): Column {
  return memoryColumn({ shape: [], type: 'float32' }, rows, Float32Array.from(labels, Number));
}

function classLabels({ path, rows, labels, lines }: Table, classes: readonly string[]): Column {
  const places = new Map(classes.map((name, place) => [name, place]));
  const values = Int32Array.from(labels, (label, row) => {
    const place = places.get(label);
    if (place !== undefined) return place;
    const fault = `${path}: row ${row + 1} (line ${lines[row]}) has the class '${visibleLine(label)}'`;
    throw new TrainingError('DATASET_INVALID', `${fault}, expected one of: ${visibleLine(classes.join(', '))}`);
  });
  return memoryColumn({ shape: [], type: 'int32' }, rows, values);
}
