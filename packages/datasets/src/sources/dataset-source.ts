/** A dataset of images in memory as a source of samples. */
import { imageFields } from '@facet/shared';
import { gatherSamples, type Dataset, type DatasetSource } from '../dataset.js';
import { openDataset } from '../open.js';
import { assertIds, type NamedSource } from './sample-source.js';

/** Fields `label` and `image` [height, width, channels], bytes both. */
export function datasetSource(dataset: Dataset): NamedSource {
  const { name, image, classes, sha256 } = dataset;
  return {
    name,
    fields: imageFields(image),
    length: (split) => dataset[split].count,
    read: (split, ids) =>
      new Promise((resolve) => {
        assertIds(split, ids, dataset[split].count);
        const { labels, pixels } = gatherSamples(dataset[split], Uint32Array.from(ids));
        resolve({ label: labels, image: pixels });
      }),
    classes,
    digest: sha256,
  };
}

/**
 * Opens one of the known datasets (MNIST, CIFAR and their relatives) as a source.
 *
 * @throws TrainingError as `openDataset` does.
 */
export async function dataset(from: DatasetSource): Promise<NamedSource> {
  return datasetSource(await openDataset(from));
}
