/**
 * A source made of columns: those of the training split and those of the test split, or one set of columns of which a share
 * becomes the test split by a hash of the row's number. Rows that are added later move no other row to another split.
 */
import { TrainingError, type SampleField, type FieldValues, describeField } from '@facet/shared';
import { createHash, hash } from 'node:crypto';
import type { Column } from './column.js';
import { assertIds, type SampleIds, type SampleSource, type SplitName } from './sample-source.js';

/** Columns by the name of their field, all with the same number of rows. */
export type Columns = Readonly<Record<string, Column>>;

/** What a source is made of. */
export interface ColumnParts {
  readonly train: Columns;
  /** Absent: a share of `train` becomes the test split. */
  readonly test?: Columns | undefined;
  /** Share of the samples that becomes the test split where there is none. Default 0.1. */
  readonly testShare?: number | undefined;
  readonly classes?: readonly string[] | undefined;
  /** Says which data a message is about. */
  readonly about: string;
}

const DEFAULT_TEST_SHARE = 0.1;
/** Labels are checked so many at a time. */
const CHECKED_ROWS = 65_536;

/**
 * A source made of columns.
 *
 * @throws TrainingError DATASET_INVALID when the columns do not fit each other, or a label has no class; CONFIG_INVALID for a
 *   `testShare` that is not a share.
 */
export async function columnSource({ train, test, testShare, classes, about }: ColumnParts): Promise<SampleSource> {
  const splits = { train: rowsOf(about, 'train', train), test: test === undefined ? 0 : rowsOf(about, 'test', test) };
  if (splits.train === 0) throw misfit(about, 'train has 0 samples', 'at least one');
  if (test !== undefined) assertSameFields(about, train, test);
  if (test !== undefined && testShare !== undefined) {
    throw new TrainingError('CONFIG_INVALID', `${about}: there are both test and testShare, expected one of them`);
  }
  const shared = test === undefined ? shareOut(about, splits.train, testShare ?? DEFAULT_TEST_SHARE) : undefined;
  if (classes !== undefined) {
    await assertLabels(about, train, splits.train, classes);
    if (test !== undefined) await assertLabels(about, test, splits.test, classes);
  }
  const length = (split: SplitName): number => shared?.[split].length ?? splits[split];
  return {
    fields: Object.fromEntries(Object.entries(train).map(([name, { field }]) => [name, field])),
    length,
    read: async (split, ids) => {
      assertIds(split, ids, length(split));
      const columns = split === 'test' && test !== undefined ? test : train;
      const rows: SampleIds = shared === undefined ? ids : Int32Array.from(ids, (id) => shared[split][id]!);
      const read: Record<string, FieldValues> = {};
      for (const [name, column] of Object.entries(columns)) read[name] = await column.read(rows);
      return read;
    },
    ...(classes !== undefined && { classes }),
    digest: digestOf({ train, test, shared, classes }),
  };
}

/** Whether something belongs to the test split, by a hash of its name. Another name changes nothing for this one. */
export function isOfTest(name: string, testShare: number): boolean {
  // As hex digits: three times as fast as a Hash object, and there may be millions of rows.
  return Number.parseInt(hash('sha256', name, 'hex').slice(0, 8), 16) < testShare * 2 ** 32;
}

/** @throws TrainingError CONFIG_INVALID when it is not from 0 to below 1. */
export function assertShare(about: string, testShare: number): void {
  if (testShare >= 0 && testShare < 1) return;
  const fault = `${about}: testShare is ${testShare}, expected a share from 0 to below 1, such as 0.1`;
  throw new TrainingError('CONFIG_INVALID', fault);
}

function shareOut(about: string, rows: number, testShare: number): Record<SplitName, Int32Array> {
  assertShare(about, testShare);
  const shared: Record<SplitName, number[]> = { train: [], test: [] };
  for (let row = 0; row < rows; row++) shared[isOfTest(String(row), testShare) ? 'test' : 'train'].push(row);
  const { train, test } = shared;
  if (train.length === 0) throw misfit(about, `all ${rows} samples fall into the test split`, 'some to train on');
  return { train: Int32Array.from(train), test: Int32Array.from(test) };
}

function rowsOf(about: string, split: SplitName, columns: Columns): number {
  const entries = Object.entries(columns);
  const [first, ...others] = entries;
  if (first === undefined) throw misfit(about, `${split} has no field`, 'at least one');
  const [firstName, { rows }] = first;
  for (const [name, column] of others) {
    if (column.rows === rows) continue;
    throw misfit(about, `field '${name}' of ${split} has ${column.rows} samples`, `${rows} as field '${firstName}'`);
  }
  return rows;
}

function assertSameFields(about: string, train: Columns, test: Columns): void {
  for (const name of new Set([...Object.keys(train), ...Object.keys(test)])) {
    const [actual, expected] = [describeColumn(test[name]), describeColumn(train[name])];
    if (actual !== expected) throw misfit(about, `field '${name}' of test is ${actual}`, `${expected} as in train`);
  }
}

function describeColumn(column: Column | undefined): string {
  return column === undefined ? 'absent' : describeField(column.field);
}

async function assertLabels(about: string, columns: Columns, rows: number, classes: readonly string[]): Promise<void> {
  const column = columns['label'];
  if (column === undefined || column.field.shape.length > 0 || column.field.type === 'float32') {
    throw misfit(
      about,
      `there are classes, but field 'label' is ${describeColumn(column)}`,
      'one whole number per sample',
    );
  }
  for (let first = 0; first < rows; first += CHECKED_ROWS) {
    const ids = Int32Array.from({ length: Math.min(CHECKED_ROWS, rows - first) }, (_, i) => first + i);
    const labels = await column.read(ids);
    const wrong = labels.findIndex((label) => label < 0 || label >= classes.length);
    if (wrong === -1) continue;
    const expected = `0 to ${classes.length - 1} for ${classes.length} classes`;
    throw misfit(about, `sample ${first + wrong} has label ${labels[wrong]}`, expected);
  }
}

/** Covers what the samples are and how they are split, and not where they are stored. */
function digestOf(parts: {
  readonly train: Columns;
  readonly test: Columns | undefined;
  readonly shared: Record<SplitName, Int32Array> | undefined;
  readonly classes: readonly string[] | undefined;
}): string {
  const describe = (columns: Columns): [string, SampleField, number, string][] =>
    Object.entries(columns)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { field, rows, digest }]) => [name, field, rows, digest]);
  const digest = createHash('sha256');
  const { train, test, shared, classes } = parts;
  digest.update(JSON.stringify([describe(train), test && describe(test), classes ?? null]));
  if (shared !== undefined) digest.update(new Uint8Array(shared.test.buffer));
  return digest.digest('hex');
}

function misfit(about: string, problem: string, expected: string): TrainingError {
  return new TrainingError('DATASET_INVALID', `${about}: ${problem}, expected ${expected}`);
}
