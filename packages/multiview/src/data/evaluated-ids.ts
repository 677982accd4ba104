/**
 * Which images of a split count: the choice of a run's configuration, the same for every command that evaluates.
 */
import { chooseSamples, TrainingError, type RunConfig } from '@facet/shared';
import type { Dataset } from '@facet/datasets';

export interface EvaluatedSplit {
  readonly config: RunConfig;
  readonly dataset: Dataset;
  readonly split: RunConfig['evaluation'];
}

/**
 * The ids in their split, ascending.
 *
 * @throws TrainingError CONFIG_INVALID when the run holds no images out, or the dataset has fewer than it asks for.
 */
export function evaluatedIds({ config, dataset, split }: EvaluatedSplit): Uint32Array {
  const sizes = { trainSamples: dataset.train.count, testSamples: dataset.test.count };
  const { testSamples, heldOut } = chooseSamples(config.samples, sizes);
  if (split === 'test') return Uint32Array.from({ length: testSamples }, (_, id) => id);
  if (heldOut.length > 0) return heldOut;
  throw new TrainingError(
    'CONFIG_INVALID',
    `run ${config.run} holds no images out (samples.heldOut is 0), so all of them were trained on; evaluate the test split`,
  );
}

/** The split of the dataset that the ids are of. */
export function sourceOf({ dataset, split }: Pick<EvaluatedSplit, 'dataset' | 'split'>): Dataset['test'] {
  return split === 'test' ? dataset.test : dataset.train;
}
