/**
 * What is true of a dataset's pictures and no file says: whether a mirrored picture keeps its class, and how pictures from
 * elsewhere must look to resemble it. Names of classes and sizes are not here but in @facet/datasets.
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
