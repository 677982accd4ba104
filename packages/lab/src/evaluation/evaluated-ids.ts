/**
 * Which samples of a split count: the choice of a run's configuration, the same for every command that evaluates.
 */
import { chooseSamples, TrainingError, type RunConfig } from '@facet/shared';
import type { Dataset } from '@facet/datasets';

export interface EvaluatedSplit {
  readonly config: RunConfig;
  readonly dataset: Dataset;
  readonly split: RunConfig['evaluation'];
}

/** Samples that there are. */
export interface SplitSizes {
  readonly trainSamples: number;
  readonly testSamples: number;
}

/** The sizes of a dataset of images. */
export function sizesOf({ train, test }: Pick<Dataset, 'train' | 'test'>): SplitSizes {
  return { trainSamples: train.count, testSamples: test.count };
}

/**
 * The ids in their split, ascending.
 *
 * @throws TrainingError CONFIG_INVALID when the run holds no samples out, or there are fewer than it asks for.
 */
export function evaluatedIds({
  config,
  sizes,
  split,
}: Pick<EvaluatedSplit, 'config' | 'split'> & { readonly sizes: SplitSizes }): Uint32Array {
  const { testSamples, heldOut } = chooseSamples(config.samples, sizes);
  if (split === 'test') return Uint32Array.from({ length: testSamples }, (_, id) => id);
  if (heldOut.length > 0) return heldOut;
  throw new TrainingError(
    'CONFIG_INVALID',
    `run ${config.run} holds no samples out (samples.heldOut is 0), so all of them were trained on; evaluate the test split`,
  );
}

/** The split of the dataset that the ids are of. */
export function sourceOf({ dataset, split }: Pick<EvaluatedSplit, 'dataset' | 'split'>): Dataset['test'] {
  return split === 'test' ? dataset.test : dataset.train;
}
