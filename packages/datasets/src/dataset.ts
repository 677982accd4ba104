/**
 * The types of this package: a dataset in memory. Pixels are always interleaved [count, height, width, channels], whatever
 * the order in the files. The types do not depend on where the files came from.
 */
import { TrainingError, type DatasetName, type ImageShape } from '@facet/shared';

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

/** Which dataset, and where its files are. */
export interface DatasetSource {
  readonly name: DatasetName;
  /** Folder with files in the dataset's format (as its definition says); any content. */
  readonly folder?: string | undefined;
  /** Where fetched files are kept. Default: FACET_CACHE, else the user's cache folder. */
  readonly cacheFolder?: string | undefined;
}

/**
 * Copies some samples of a split, in the order of their ids.
 *
 * @param ids indices into the split
 * @throws TrainingError SHARD_INVALID naming an id that the split does not have.
 */
export function gatherSamples(split: Split, ids: Uint32Array): Pick<Split, 'pixels' | 'labels'> {
  const imageBytes = split.pixels.length / split.count;
  const labels = new Uint8Array(ids.length);
  const pixels = new Uint8Array(ids.length * imageBytes);
  ids.forEach((id, i) => {
    const label = split.labels[id];
    if (label === undefined) {
      throw new TrainingError('SHARD_INVALID', `sample ${id} was asked for, expected one below ${split.count}`);
    }
    labels[i] = label;
    pixels.set(split.pixels.subarray(id * imageBytes, (id + 1) * imageBytes), i * imageBytes);
  });
  return { pixels, labels };
}
