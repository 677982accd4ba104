/**
 * Facts about a dataset's pictures that its files do not state: whether a mirrored picture keeps its class, and how other
 * pictures must be prepared to look like it. Class names and sizes are in @facet/datasets.
 */
import type { RunConfig } from '@facet/shared';

export interface DatasetTraits {
  /** Whether the mirror image of a sample has the same class. */
  readonly isMirrorable: boolean;
  /**
   * `digit`: white ink on black, scaled and centred as MNIST is (LeCun et al. 1998). `photo`: the picture as it is.
   */
  readonly style: 'digit' | 'photo';
}

export const DATASET_TRAITS: Readonly<Record<RunConfig['dataset'], DatasetTraits>> = {
  mnist: { isMirrorable: false, style: 'digit' },
  cifar10: { isMirrorable: true, style: 'photo' },
};
