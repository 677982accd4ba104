/**
 * Datasets of four IDX files, of which MNIST is the first. In a user's folder the files may hold any content of that form,
 * images of another size too, with as many classes as the definition has or fewer.
 */
import { TrainingError, type IdxFiles, type ImageShape, type KnownDataset } from '@facet/shared';
import { join } from 'node:path';
import type { Dataset, Split } from './dataset.js';
import { fileSpec, readDatasetFile, type FileSet, type FileSpec } from './file-set.js';
import { decodeIdxImages, decodeIdxLabels, idxFileBytes, transposeImages, type IdxImages } from './format/idx.js';
import { contentSha256 } from './identity.js';

/** A dataset whose files are IDX. */
export type IdxDataset = KnownDataset & { readonly files: IdxFiles };

/** The four files, images before labels and the training split first. */
export function idxFileSpecs({ trainImages, trainLabels, testImages, testLabels }: IdxFiles): FileSpec[] {
  return [trainImages, trainLabels, testImages, testLabels].map(idxSpec);
}

/** Checks the structure of one file: header, length, and the range of labels. */
export function checkIdxFile(dataset: IdxDataset, name: string, file: string, bytes: Uint8Array): void {
  const { trainImages, testImages } = dataset.files;
  if (name === trainImages.name || name === testImages.name) decodeIdxImages(file, bytes);
  else labelsIn(dataset, file, bytes);
}

/**
 * Reads, checks and decodes a dataset of IDX files.
 *
 * @throws TrainingError DATASET_UNAVAILABLE, DATASET_INVALID naming the file, what it has and what is expected.
 */
export async function openIdxDataset(dataset: IdxDataset, set: FileSet): Promise<Dataset> {
  const [trainImages, trainLabels, testImages, testLabels] = idxFileSpecs(dataset.files) as [
    FileSpec,
    FileSpec,
    FileSpec,
    FileSpec,
  ];
  const train = await openSplit(dataset, set, { images: trainImages, labels: trainLabels });
  const test = await openSplit(dataset, set, { images: testImages, labels: testLabels });
  const { height, width } = train.image;
  if (test.image.height !== height || test.image.width !== width) {
    const actual = `${test.image.height}x${test.image.width}`;
    const problem = `has images of ${actual}, expected ${height}x${width} as in ${trainImages.name}`;
    throw new TrainingError('DATASET_INVALID', `${join(set.folder, testImages.name)} ${problem}; ${set.remedy}`);
  }
  const sha256 = contentSha256(train.image, train.split, test.split);
  const { name, classes } = dataset;
  return { name, image: train.image, classes, train: train.split, test: test.split, sha256 };
}

async function openSplit(
  dataset: IdxDataset,
  set: FileSet,
  specs: { readonly images: FileSpec; readonly labels: FileSpec },
): Promise<{ image: ImageShape; split: Split }> {
  const imagesFile = await readDatasetFile(set, specs.images);
  const labelsFile = await readDatasetFile(set, specs.labels);
  const { count, height, width, pixels } = imagesIn(dataset, imagesFile.file, imagesFile.bytes);
  const labels = labelsIn(dataset, labelsFile.file, labelsFile.bytes);
  if (labels.length !== count) {
    const problem = `has ${labels.length} labels, expected ${count}, one for each image of ${imagesFile.file}`;
    throw new TrainingError('DATASET_INVALID', `${labelsFile.file} ${problem}; ${set.remedy}`);
  }
  return { image: { height, width, channels: 1 }, split: { count, pixels, labels } };
}

function imagesIn({ files }: IdxDataset, file: string, bytes: Uint8Array): IdxImages {
  const images = decodeIdxImages(file, bytes);
  return files.isTransposed ? transposeImages(images) : images;
}

function labelsIn({ files, classes }: IdxDataset, file: string, bytes: Uint8Array): Uint8Array {
  return decodeIdxLabels(file, bytes, classes.length, files.firstLabel);
}

function idxSpec(file: IdxFiles['trainImages']): FileSpec {
  return { ...fileSpec(file), bytesByHead: idxFileBytes };
}
