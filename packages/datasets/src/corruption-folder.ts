/**
 * Published corruptions in a folder. Two layouts: CIFAR-10-C's, one .npy file per corruption with its severities one after
 * the other and a labels.npy; and MNIST-C's, one folder per corruption with test_images.npy and test_labels.npy. Finds and
 * checks; one corruption is in memory at a time.
 */
import { readRegularFile, TrainingError } from '@facet/shared';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageShape } from '@facet/shared';
import type { Split } from './dataset.js';
import { decodeNpy, type NpyArray } from './format/npy.js';

/** The corruptions that a folder holds. */
export interface CorruptionFolder {
  readonly folder: string;
  /** By name, in alphabetical order. */
  readonly names: readonly string[];
  /**
   * Reads one corruption.
   *
   * @returns one split per severity, the mildest first
   * @throws TrainingError DATASET_INVALID when its files are not what they should be.
   */
  read(name: string): Promise<Split[]>;
}

/** What the images must look like. */
export interface ExpectedSamples {
  readonly image: ImageShape;
  readonly classes: number;
}

/** Five severities of 32x32 pixels take 150 MB for every 10,000 images. */
const MOST_NPY_BYTES = 2 ** 31;
const LABELS = 'labels.npy';
const IMAGES_IN_FOLDER = 'test_images.npy';
const LABELS_IN_FOLDER = 'test_labels.npy';
/** MNIST-C's copy of the clean images. */
const CLEAN = 'identity';
/** Severities in one file of CIFAR-10-C. */
const SEVERITIES = 5;

/**
 * Opens a folder of corruptions.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when there is no such folder, or no corruption in it.
 */
export async function openCorruptionFolder(folder: string, expected: ExpectedSamples): Promise<CorruptionFolder> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new TrainingError('DATASET_UNAVAILABLE', `there is no folder ${folder}; expected CIFAR-10-C or MNIST-C`, {
      cause,
    });
  });
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const flat = files.filter((name) => name.endsWith('.npy') && name !== LABELS).map((name) => name.slice(0, -4));
  if (flat.length > 0 && files.includes(LABELS)) {
    return {
      folder,
      names: flat.sort(),
      read: (name) => readSplits(join(folder, `${name}.npy`), join(folder, LABELS), SEVERITIES, expected),
    };
  }
  const nested: string[] = [];
  for (const { name } of entries.filter((entry) => entry.isDirectory() && entry.name !== CLEAN)) {
    if ((await readdir(join(folder, name))).includes(IMAGES_IN_FOLDER)) nested.push(name);
  }
  if (nested.length === 0) throw nothingIn(folder);
  return {
    folder,
    names: nested.sort(),
    read: (name) => readSplits(join(folder, name, IMAGES_IN_FOLDER), join(folder, name, LABELS_IN_FOLDER), 1, expected),
  };
}

function nothingIn(folder: string): TrainingError {
  return new TrainingError(
    'DATASET_UNAVAILABLE',
    `${folder} holds no corruptions; expected NAME.npy files and ${LABELS} (CIFAR-10-C), or NAME/${IMAGES_IN_FOLDER} and NAME/${LABELS_IN_FOLDER} (MNIST-C)`,
  );
}

async function readSplits(
  imagesFile: string,
  labelsFile: string,
  severities: number,
  { image, classes }: ExpectedSamples,
): Promise<Split[]> {
  const images = await readNpy(imagesFile);
  const labels = await readNpy(labelsFile);
  const { height, width, channels } = image;
  const count = images.shape[0] ?? 0;
  const isGrey = channels === 1 && images.shape.length === 3;
  const wanted = isGrey ? [count, height, width] : [count, height, width, channels];
  if (count === 0 || images.shape.join() !== wanted.join()) {
    throw mismatch(
      imagesFile,
      `has shape [${images.shape.join(', ')}], expected [count, ${height}, ${width}, ${channels}]`,
    );
  }
  if (count % severities !== 0) {
    throw mismatch(imagesFile, `has ${count} images, expected a multiple of ${severities}, one part for each severity`);
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw mismatch(labelsFile, `has shape [${labels.shape.join(', ')}], expected [${count}] as in ${imagesFile}`);
  }
  const wrong = labels.values.findIndex((label) => label >= classes);
  if (wrong !== -1) {
    throw mismatch(labelsFile, `has label ${labels.values[wrong]} at sample ${wrong}, expected 0 to ${classes - 1}`);
  }
  const size = count / severities;
  const bytes = height * width * channels;
  return Array.from({ length: severities }, (_, part) => ({
    count: size,
    pixels: images.values.subarray(part * size * bytes, (part + 1) * size * bytes),
    labels: labels.values.subarray(part * size, (part + 1) * size),
  }));
}

async function readNpy(file: string): Promise<NpyArray> {
  const bytes = await readRegularFile(file, MOST_NPY_BYTES).catch((cause: unknown) => {
    const fault = `${file} cannot be read: ${TrainingError.from(cause).message}; expected a .npy file there`;
    throw new TrainingError('DATASET_UNAVAILABLE', fault, { cause });
  });
  return decodeNpy(file, bytes);
}

function mismatch(file: string, problem: string): TrainingError {
  return new TrainingError('DATASET_INVALID', `${file} ${problem}; use the corruptions of the checkpoint's dataset`);
}
