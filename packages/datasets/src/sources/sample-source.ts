/**
 * The port through which a user's samples reach a training. A sample is a record of tensors of fixed shapes. A source says
 * what the fields are and reads samples by their ids; where the samples come from is its own business. Every source passes
 * the same suite of tests (test/source-contract.ts).
 */
import { TrainingError, type FieldValues, type SampleFields, type TableFacts } from '@facet/shared';

/** The parts of a dataset: `train` to learn from, `test` to measure with. */
export type SplitName = 'train' | 'test';

/** Both splits. */
export const SPLIT_NAMES: readonly SplitName[] = ['train', 'test'];

/** Ids of samples in one split: whole numbers from 0. */
export type SampleIds = Uint32Array | Int32Array | readonly number[];

/** Where samples come from. */
export interface SampleSource {
  /** What one sample holds, by the name of the field. By convention `label` is the class. */
  readonly fields: SampleFields;
  /** Samples in a split. It never changes. */
  length(split: SplitName): number;
  /**
   * Reads samples.
   *
   * @returns for every field [ids, ...shape] numbers, sample after sample in the order of the ids; they belong to the caller
   * @throws TrainingError SHARD_INVALID for an id that the split does not have; DATASET_INVALID when the data changed
   */
  read(split: SplitName, ids: SampleIds): Promise<Record<string, FieldValues>>;
  /** Class names in the order of the labels, where samples have classes. */
  readonly classes?: readonly string[];
  /** Where samples are rows of a table: how further rows are read. */
  readonly table?: TableFacts;
  /** Identity of the content, 64 hex digits: two sources with the same digest give the same samples. */
  readonly digest: string;
}

/** A source with the name by which people know it. */
export interface NamedSource extends SampleSource {
  readonly name: string;
}

/** @throws TrainingError SHARD_INVALID naming the first id that is not from 0 to length - 1. */
export function assertIds(split: SplitName, ids: SampleIds, length: number): void {
  for (const id of ids) {
    if (Number.isInteger(id) && id >= 0 && id < length) continue;
    const expected = length === 0 ? 'none, because the split is empty' : `a whole number from 0 to ${length - 1}`;
    throw new TrainingError('SHARD_INVALID', `sample ${id} of ${split} was asked for, expected ${expected}`);
  }
}
