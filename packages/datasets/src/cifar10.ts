/** What fetching CIFAR-10 needs to know of it: its six batches, and where they are kept. */
import { CIFAR10 } from '@facet/shared';
import { join } from 'node:path';
import { cacheFolderOf } from './cache-folder.js';
import { openCifarDataset } from './cifar-dataset.js';
import type { Dataset, DatasetSource } from './dataset.js';
import { fileSpec, type FileSet, type FileSpec } from './file-set.js';

/** Rows in each canonical batch. */
export const CIFAR10_BATCH_ROWS = 10_000;

/** The canonical batches, the training ones first. */
export const CIFAR10_FILES: readonly FileSpec[] = [...CIFAR10.files.train, ...CIFAR10.files.test].map(fileSpec);

/** Where the fetched batches of CIFAR-10 belong, whether or not they are there. */
export function cifar10CacheFolder(source: Pick<DatasetSource, 'cacheFolder'>): string {
  return join(cacheFolderOf(source), CIFAR10.name);
}

/** The canonical batches in a folder; nothing else is accepted there. */
export function canonicalCifar10Files(folder: string): FileSet {
  const remedy = 'run `facet dataset fetch cifar10` to fetch it again';
  return { folder, files: CIFAR10_FILES, isPinned: true, remedy };
}

/** Reads, checks and decodes CIFAR-10. */
export function openCifar10(set: FileSet): Promise<Dataset> {
  return openCifarDataset(CIFAR10, set);
}
