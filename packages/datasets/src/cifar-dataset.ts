/** Datasets in the CIFAR binary format. In a user's folder every file may hold any number of rows. */
import type { CifarFiles, KnownDataset } from '@facet/shared';
import type { Dataset, Split } from './dataset.js';
import { fileSpec, readDatasetFile, type FileSet } from './file-set.js';
import { CIFAR_IMAGE, decodeCifarBatches } from './format/cifar-binary.js';
import { contentSha256 } from './identity.js';

/** A dataset whose files are CIFAR's. */
export type CifarDataset = KnownDataset & { readonly files: CifarFiles };

/** Checks the structure of one batch: whole rows, and the range of labels. */
export function checkCifarFile({ files }: CifarDataset, file: string, bytes: Uint8Array): void {
  decodeCifarBatches([{ file, bytes }], files.labelBytes);
}

/**
 * Reads, checks and decodes a dataset in the CIFAR binary format.
 *
 * @throws TrainingError DATASET_UNAVAILABLE, DATASET_INVALID naming the file, what it has and what is expected.
 */
export async function openCifarDataset({ name, classes, files }: CifarDataset, set: FileSet): Promise<Dataset> {
  const train = await openSplit(set, files.train, files.labelBytes);
  const test = await openSplit(set, files.test, files.labelBytes);
  const sha256 = contentSha256(CIFAR_IMAGE, train, test);
  return { name, image: CIFAR_IMAGE, classes, train, test, sha256 };
}

async function openSplit(set: FileSet, files: CifarFiles['train'], labelBytes: readonly number[]): Promise<Split> {
  const batches = [];
  for (const file of files) batches.push(await readDatasetFile(set, fileSpec(file)));
  return decodeCifarBatches(batches, labelBytes);
}
