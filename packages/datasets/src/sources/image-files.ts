/**
 * Which images a folder holds, of which class and split. One folder is one class. Above the classes there may be `train` and
 * `test`; without them a hash of an image's path chooses the split, so that images which are added later move no other.
 */
import { TrainingError } from '@facet/shared';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { isOfTest } from './column-source.js';
import { SPLIT_NAMES, type SplitName } from './sample-source.js';

/** One image of a folder. */
export interface ImageFile {
  /** From the folder, with `/` between names. */
  readonly path: string;
  readonly split: SplitName;
  /** Index into the classes. */
  readonly label: number;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** What a folder holds. */
export interface ImageListing {
  /** Names of the class folders in the order of their UTF-16 units, as JavaScript sorts. */
  readonly classes: readonly string[];
  /** The training split first, then by path. */
  readonly files: readonly ImageFile[];
}

/** Endings of names, in small letters. */
const ENDINGS: ReadonlySet<string> = new Set(['.png', '.jpg', '.jpeg', '.webp']);
const EXPECTED_LAYOUT = 'CLASS/*.png (or .jpg, .jpeg, .webp), or the same under train and test';

/**
 * Lists the images of a folder. Files with other endings and names that begin with a dot are left out.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when there is no such folder; DATASET_INVALID when it holds no image, a single
 *   class, a class without an image, or a class of `test` that `train` does not have.
 */
export async function listImages(folder: string, testShare: number): Promise<ImageListing> {
  const names = await foldersIn(folder, '');
  const isSplit = SPLIT_NAMES.every((split) => names.includes(split));
  const classes = isSplit ? await foldersIn(folder, 'train') : names;
  assertClasses(folder, classes);
  const files: ImageFile[] = [];
  for (const [label, name] of classes.entries()) {
    const found = await imagesUnder(folder, isSplit ? `train/${name}` : name);
    if (found.length === 0) throw refused(folder, `class '${name}' has no image${isSplit ? ' in train' : ''}`);
    for (const file of found) {
      const split = !isSplit && isOfTest(file.path.normalize('NFC'), testShare) ? 'test' : 'train';
      files.push({ ...file, split, label });
    }
  }
  if (isSplit) files.push(...(await imagesOfTest(folder, classes)));
  const inOrder = (a: ImageFile, b: ImageFile): number =>
    SPLIT_NAMES.indexOf(a.split) - SPLIT_NAMES.indexOf(b.split) || (a.path < b.path ? -1 : 1);
  if (!files.some(({ split }) => split === 'train')) throw refused(folder, 'every image falls into the test split');
  return { classes, files: files.sort(inOrder) };
}

function assertClasses(folder: string, classes: readonly string[]): void {
  if (classes.length === 0) throw refused(folder, 'there is no folder of a class');
  if (classes.length > 1) return;
  if (classes[0] === 'train') throw refused(folder, 'there is train and no test beside it');
  throw refused(folder, `there is one class alone, '${classes[0]}', and nothing to tell it from`);
}

async function imagesOfTest(folder: string, classes: readonly string[]): Promise<ImageFile[]> {
  const files: ImageFile[] = [];
  for (const name of await foldersIn(folder, 'test')) {
    const label = classes.indexOf(name);
    if (label === -1) throw refused(folder, `test has the class '${name}', which train does not have`);
    for (const file of await imagesUnder(folder, `test/${name}`)) files.push({ ...file, split: 'test', label });
  }
  if (files.length === 0) throw refused(folder, 'test has no image');
  return files;
}

/** Images in a folder and the folders in it. */
async function imagesUnder(folder: string, under: string): Promise<Omit<ImageFile, 'split' | 'label'>[]> {
  const files: Omit<ImageFile, 'split' | 'label'>[] = [];
  for (const name of await namesIn(folder, under)) {
    const path = `${under}/${name}`;
    const found = await stat(join(folder, path)).catch(() => undefined);
    if (found?.isDirectory()) files.push(...(await imagesUnder(folder, path)));
    else if (ENDINGS.has(extname(name).toLowerCase())) {
      // A link to nowhere is listed, and found to be broken when it is read.
      files.push({ path, bytes: found?.size ?? 0, modifiedMs: found?.mtimeMs ?? 0 });
    }
  }
  return files;
}

async function foldersIn(folder: string, under: string): Promise<string[]> {
  const folders: string[] = [];
  for (const name of await namesIn(folder, under)) {
    if ((await stat(join(folder, under, name)).catch(() => undefined))?.isDirectory()) folders.push(name);
  }
  return folders;
}

async function namesIn(folder: string, under: string): Promise<string[]> {
  try {
    return (await readdir(join(folder, under))).filter((name) => !name.startsWith('.')).sort();
  } catch (cause) {
    const reason =
      cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' ? 'does not exist' : String(cause);
    throw new TrainingError('DATASET_UNAVAILABLE', `${join(folder, under)} ${reason}, expected ${EXPECTED_LAYOUT}`, {
      cause,
    });
  }
}

function refused(folder: string, problem: string): TrainingError {
  return new TrainingError('DATASET_INVALID', `${folder}: ${problem}, expected ${EXPECTED_LAYOUT}`);
}
