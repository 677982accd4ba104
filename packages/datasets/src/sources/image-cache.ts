/**
 * Decoded images on disk, so that a folder is decoded once. A cache is found by what it was made of: the names, sizes and times
 * of the files, and the form. Its content is checked whenever it is opened, and made again if it is damaged.
 */
import { pause, readRegularText, systemClock, TrainingError } from '@facet/shared';
import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { publishFolder } from '../fetch/publish-folder.js';
import { fileColumn, type Column } from './column.js';
import { decodeImages, decoderVersion, type ImageForm } from './decode-images.js';
import { fillOnce } from './fill-once.js';
import type { ImageListing } from './image-files.js';
import { SPLIT_NAMES, type SplitName } from './sample-source.js';

/** One event while a folder is decoded. */
export type ImageProgress =
  | { readonly kind: 'decoding'; readonly doneFiles: number; readonly totalFiles: number }
  | { readonly kind: 'skipped'; readonly file: string; readonly reason: string };

/** What is decoded, and how. */
export interface ImageWork {
  readonly folder: string;
  readonly listing: ImageListing;
  readonly form: ImageForm;
  readonly skipBroken: boolean;
  /** Must not throw. */
  readonly onProgress: (progress: ImageProgress) => void;
}

/** The images of a split, and the label of each. */
export interface CachedSplit {
  readonly image: Column;
  readonly labels: readonly number[];
}

/** What stands beside the pixels of a cache. */
interface CacheIndex {
  readonly height: number;
  readonly width: number;
  readonly labels: Readonly<Record<SplitName, readonly number[]>>;
  /** SHA-256 (hex) of the pixels of each split. */
  readonly sha256: Readonly<Record<SplitName, string>>;
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

/** Raised when a cache of another form would be read wrongly. */
const CACHE_VERSION = 1;
const MOST_INDEX_BYTES = 2 ** 28;
const MOST_NAMED_FILES = 10;
const KEY_DIGITS = 32;
/** Between two looks at the mark of a process that decodes. */
const POLL_MS = 250;
/** Ten seconds. One image takes some milliseconds, a very large one a second. */
const DEAD_AFTER_POLLS = 40;
const TOUCH_EVERY = 8;
const PIXELS = 'pixels';
const INDEX = 'index.json';

/**
 * The decoded images of a folder; decodes them if no whole cache of them exists.
 *
 * @param cacheFolder - Where caches are kept.
 * @throws TrainingError DATASET_INVALID naming files that cannot be decoded, or that differ in size when none is given.
 */
export async function cachedImages(cacheFolder: string, work: ImageWork): Promise<Record<SplitName, CachedSplit>> {
  const folder = join(cacheFolder, 'images', await cacheKey(work));
  let hasDecoded = false;
  const cache = await fillOnce({
    mark: `${folder}.mark`,
    look: () => openCache(folder, work.form),
    fill: async (touch) => {
      hasDecoded = true;
      // What is there is damaged.
      await rm(folder, { recursive: true, force: true });
      await publishFolder(folder, ({ content }) => fillCache(content, work, touch), 'keep');
    },
    pause: () => pause(systemClock, POLL_MS),
    patience: DEAD_AFTER_POLLS,
  });
  if (cache === undefined) {
    throw new TrainingError('DATASET_INVALID', `${folder} cannot be read back as it was written; check the disk`);
  }
  if (!hasDecoded) for (const skipped of cache.index.skipped) work.onProgress({ kind: 'skipped', ...skipped });
  return cache.splits;
}

async function cacheKey({ folder, listing, form, skipBroken }: ImageWork): Promise<string> {
  const { classes, files } = listing;
  const rows = files.map(({ path, split, label, bytes, modifiedMs }) => [path, split, label, bytes, modifiedMs]);
  const made = [CACHE_VERSION, await decoderVersion(), folder, form, skipBroken, classes, rows];
  return createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, KEY_DIGITS);
}

async function fillCache(target: string, work: ImageWork, touch: () => void): Promise<void> {
  const { folder, listing, form, skipBroken, onProgress } = work;
  const labels: Record<SplitName, number[]> = { train: [], test: [] };
  const hashes = { train: createHash('sha256'), test: createHash('sha256') };
  const broken: { file: string; reason: string }[] = [];
  let first: { file: string; height: number; width: number } | undefined;
  await using pixelFile = await open(join(target, PIXELS), 'wx');
  const paths = listing.files.map(({ path }) => join(folder, path));
  let place = 0;
  for await (const decoded of decodeImages(paths, form)) {
    const { path, split, label } = listing.files[place]!;
    place += 1;
    if (place % TOUCH_EVERY === 0) touch();
    if (decoded.ok) {
      const { height, width, pixels } = decoded;
      first ??= { file: path, height, width };
      if (height !== first.height || width !== first.width) throw unequal(folder, first, { file: path, height, width });
      hashes[split].update(pixels);
      labels[split].push(label);
      await pixelFile.writeFile(pixels);
    } else {
      broken.push({ file: path, reason: decoded.reason });
      if (skipBroken) onProgress({ kind: 'skipped', ...broken.at(-1)! });
    }
    onProgress({ kind: 'decoding', doneFiles: place, totalFiles: paths.length });
  }
  if (broken.length > 0 && !skipBroken) throw unreadable(folder, broken);
  assertClassesLeft(folder, listing.classes, labels.train);
  const { height, width } = first!;
  const sha256 = { train: hashes.train.digest('hex'), test: hashes.test.digest('hex') };
  const index: CacheIndex = { height, width, labels, sha256, skipped: broken };
  await using indexFile = await open(join(target, INDEX), 'wx');
  await indexFile.writeFile(JSON.stringify(index));
}

/** Undefined when there is none, or it is not what its index says. */
async function openCache(
  folder: string,
  { channels }: ImageForm,
): Promise<{ index: CacheIndex; splits: Record<SplitName, CachedSplit> } | undefined> {
  const text = await readRegularText(join(folder, INDEX), MOST_INDEX_BYTES).catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const index = JSON.parse(text) as CacheIndex;
    const { height, width, labels } = index;
    const field = { shape: [height, width, channels], type: 'uint8' } as const;
    const stored = { bytes: 1, convert: (raw: Uint8Array) => raw, mayNotFit: false };
    const path = join(folder, PIXELS);
    const start = { train: 0, test: labels.train.length * height * width * channels };
    const splitOf = async (split: SplitName): Promise<CachedSplit> => {
      const rows = labels[split].length;
      return { image: await fileColumn({ path, start: start[split], field, rows, stored }), labels: labels[split] };
    };
    const splits = { train: await splitOf('train'), test: await splitOf('test') };
    if (SPLIT_NAMES.some((split) => splits[split].image.digest !== index.sha256[split])) return undefined;
    return { index, splits };
  } catch {
    // Whatever is wrong with a cache, it is made again.
    return undefined;
  }
}

function assertClassesLeft(folder: string, classes: readonly string[], trainLabels: readonly number[]): void {
  const present = new Set(trainLabels);
  const lost = classes.filter((_, label) => !present.has(label));
  if (lost.length === 0) return;
  const fault = `${folder}: class '${lost[0]}' has no image to train on, expected one or more`;
  throw new TrainingError('DATASET_INVALID', `${fault}; add images, or remove the class`);
}

function unequal(
  folder: string,
  expected: { readonly file: string; readonly height: number; readonly width: number },
  actual: typeof expected,
): TrainingError {
  const sizeOf = ({ height, width }: typeof expected): string => `${width} x ${height} pixels`;
  const fault = `${folder}: ${actual.file} has ${sizeOf(actual)}, expected ${sizeOf(expected)} as ${expected.file}`;
  return new TrainingError('DATASET_INVALID', `${fault}; give a size: { height, width }, to which all are cut`);
}

function unreadable(
  folder: string,
  broken: readonly { readonly file: string; readonly reason: string }[],
): TrainingError {
  const named = broken.slice(0, MOST_NAMED_FILES).map(({ file, reason }) => `${file} (${reason})`);
  const more = broken.length > named.length ? `, and ${broken.length - named.length} more` : '';
  const fault = `${folder}: ${broken.length} of the images cannot be decoded: ${named.join(', ')}${more}`;
  return new TrainingError('DATASET_INVALID', `${fault}; replace them, or set skipBroken to leave them out`);
}
