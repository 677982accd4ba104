/** A source made of a folder of images, one folder for every class. */
import { TrainingError } from '@facet/shared';
import { resolve } from 'node:path';
import { cacheFolderOf } from '../cache-folder.js';
import { memoryColumn } from './column.js';
import { assertShare, columnSource, type Columns } from './column-source.js';
import { cachedImages, type CachedSplit, type ImageProgress } from './image-cache.js';
import { listImages } from './image-files.js';
import { imageProgressOnTerminal } from './image-progress.js';
import type { SampleSource } from './sample-source.js';

/** Which folder, and what its images become. */
export interface ImageFolderOptions {
  /** Holds CLASS/*.png (or .jpg, .jpeg, .webp), or train/CLASS/* and test/CLASS/*. */
  readonly folder: string;
  /**
   * In pixels; a number is the side of a square. Images of another size are scaled to cover it, and what stands out is cut
   * off. Default: the size they all have.
   */
  readonly size?: number | { readonly height: number; readonly width: number };
  /** Default `rgb`. */
  readonly colours?: 'rgb' | 'grey';
  /** Share of the images that becomes the test split, by a hash of their paths, where no folder test exists. Default 0.1. */
  readonly testShare?: number;
  /** Whether files that cannot be decoded are left out. Default: they are refused. */
  readonly skipBroken?: boolean;
  /** Where decoded images are kept. Default: FACET_CACHE, else the user's cache folder. */
  readonly cacheFolder?: string;
  /** Must not throw. Default: shows the progress if standard error is a terminal. */
  readonly onProgress?: (progress: ImageProgress) => void;
}

const DEFAULT_TEST_SHARE = 0.1;
const LONGEST_SIDE = 8_192;

/**
 * Opens a folder of images: fields `image` [height, width, channels] of type `uint8`, and `label`. The first opening decodes
 * every file into the cache folder. After that images are read from there one by one, and memory stays flat.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when the folder does not exist; DATASET_INVALID saying what is wrong with it;
 *   CONFIG_INVALID for a size or a share that is none.
 */
export async function imageFolder(options: ImageFolderOptions): Promise<SampleSource> {
  const { colours = 'rgb', testShare = DEFAULT_TEST_SHARE, skipBroken = false } = options;
  const size = typeof options.size === 'number' ? { height: options.size, width: options.size } : options.size;
  const folder = resolve(options.folder);
  assertShare(folder, testShare);
  if (size !== undefined) assertSize(folder, size);
  const listing = await listImages(folder, testShare);
  const form = {
    size: size && { height: size.height, width: size.width },
    channels: colours === 'grey' ? 1 : 3,
  } as const;
  const onProgress = options.onProgress ?? imageProgressOnTerminal(process.stderr);
  const { train, test } = await cachedImages(cacheFolderOf(options), { folder, listing, form, skipBroken, onProgress });
  return columnSource({
    about: folder,
    train: columnsOf(train),
    test: columnsOf(test),
    classes: listing.classes,
  });
}

function columnsOf({ image, labels }: CachedSplit): Columns {
  return { image, label: memoryColumn({ shape: [], type: 'int32' }, labels.length, Int32Array.from(labels)) };
}

function assertSize(folder: string, { height, width }: { readonly height: number; readonly width: number }): void {
  if ([height, width].every((side) => Number.isInteger(side) && side >= 1 && side <= LONGEST_SIDE)) return;
  const fault = `${folder}: the size is ${width} x ${height}, expected whole numbers of pixels from 1 to ${LONGEST_SIDE}`;
  throw new TrainingError('CONFIG_INVALID', fault);
}
