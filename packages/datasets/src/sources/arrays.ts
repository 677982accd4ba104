/** A source made of NumPy's files: .npy and .npz, one row for every sample. */
import { TrainingError } from '@facet/shared';
import type { Column } from './column.js';
import { columnSource, type Columns } from './column-source.js';
import { npyColumn, npzColumn, npzNames } from './npy-column.js';
import type { SampleSource } from './sample-source.js';

/** Where an array is: a .npy file, or an array of a .npz file. */
export type ArrayPlace = string | { readonly file: string; readonly array: string };

/** The arrays of a split by the name of their field, or a .npz file whose arrays are the fields. */
export type ArrayFields = string | Readonly<Record<string, ArrayPlace>>;

/** Which arrays make a source. */
export interface ArraysOptions {
  readonly train: ArrayFields;
  /** Without it a share of the samples becomes the test split. */
  readonly test?: ArrayFields;
  /** Share of the samples that becomes the test split, chosen by a hash of the sample's number. Default 0.1. */
  readonly testShare?: number;
  /** Class names. With them, every number of field `label` must have one. */
  readonly classes?: readonly string[];
}

/**
 * Opens arrays as a source. Types: u1 and b1 become `uint8`; i1, i2, i4, i8, u2, u4 and u8 `int32`; f4 and f8 `float32`.
 * Arrays in C order that are not compressed stay on disk; others are read into memory, each at most 1 GiB.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when a file cannot be read; DATASET_INVALID naming the file and what is wrong;
 *   CONFIG_INVALID for options that make no source.
 */
export async function arrays({ train, test, testShare, classes }: ArraysOptions): Promise<SampleSource> {
  return columnSource({
    about: 'arrays',
    train: await columnsOf(train),
    test: test === undefined ? undefined : await columnsOf(test),
    testShare,
    classes,
  });
}

async function columnsOf(fields: ArrayFields): Promise<Columns> {
  const columns: Record<string, Column> = {};
  if (typeof fields === 'string') {
    if (!fields.endsWith('.npz'))
      throw unnamed(fields, 'give it as { field: file }, because a .npy file names no field');
    for (const name of await npzNames(fields)) columns[name] = await npzColumn(fields, name);
  } else {
    for (const [name, place] of Object.entries(fields)) columns[name] = await columnAt(place);
  }
  return columns;
}

async function columnAt(place: ArrayPlace): Promise<Column> {
  if (typeof place !== 'string') return npzColumn(place.file, place.array);
  if (place.endsWith('.npz')) {
    const names = (await npzNames(place)).join(', ');
    throw unnamed(place, `give it as { file, array } with the array, one of: ${names}`);
  }
  return npyColumn(place);
}

function unnamed(file: string, remedy: string): TrainingError {
  return new TrainingError('CONFIG_INVALID', `arrays: ${file} stands for no single array; ${remedy}`);
}
