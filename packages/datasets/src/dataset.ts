/**
 * The words of this package: what a dataset is once it lies in memory. Pixels are always interleaved
 * [count, height, width, channels], whatever the files' own order was, and nothing here knows where they came from.
 */
import { TrainingError } from '@facet/shared';

/** Extent of one image, in pixels; `channels` is 1 (grey) or 3 (RGB). */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** The samples of one split. Both arrays are owned by the dataset and must not be written to. */
export interface Split {
  /** Samples in this split. */
  readonly count: number;
  /** [count, height, width, channels], 0..255. */
  readonly pixels: Uint8Array;
  /** [count], each an index into the dataset's `classes`. */
  readonly labels: Uint8Array;
}

/** A verified dataset in memory. */
export interface Dataset {
  readonly name: string;
  readonly image: ImageShape;
  /** Class names in label order. */
  readonly classes: readonly string[];
  readonly train: Split;
  readonly test: Split;
  /** Identity of the content: SHA-256 (hex) over the shapes, pixels and labels of both splits. */
  readonly sha256: string;
}

/** Datasets this package can open. */
export type DatasetName = 'mnist' | 'cifar10';

/** Every {@link DatasetName}, in the order to show to people. */
export const DATASET_NAMES: readonly DatasetName[] = ['mnist', 'cifar10'];

/** Which dataset, and where its files are. */
export interface DatasetSource {
  readonly name: DatasetName;
  /** Folder with files in the dataset's format (IDX for mnist, CIFAR binary batches for cifar10); any content. */
  readonly folder?: string | undefined;
  /** Where fetched files are kept. Default: FACET_CACHE, else the user's cache folder. */
  readonly cacheFolder?: string | undefined;
}

/**
 * The first `count` samples of a split, as views on the same memory.
 *
 * @throws TrainingError CONFIG_INVALID when `count` is not an integer in 1..split.count.
 */
export function limitSplit(split: Split, count: number): Split {
  if (!Number.isInteger(count) || count < 1 || count > split.count) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `a split of ${split.count} samples cannot be limited to ${count}: expected an integer from 1 to ${split.count}`,
    );
  }
  const imageBytes = split.pixels.length / split.count;
  return { count, pixels: split.pixels.subarray(0, count * imageBytes), labels: split.labels.subarray(0, count) };
}
