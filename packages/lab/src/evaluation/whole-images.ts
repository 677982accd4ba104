/**
 * Samples of a split as a model takes them when it answers: whole, not augmented, planar, in [0, 1].
 */
import { gatherSamples, type Dataset, type Split } from '@facet/datasets';
import { allocateMicroBatch, fillMicroBatch } from '@facet/multiview';

/**
 * The images of some samples of a split.
 *
 * @returns [ids, channels * height * width]
 */
export function wholeImages({ image, classes }: Dataset, split: Split, ids: Uint32Array): Float32Array {
  const tensors = allocateMicroBatch(ids.length, image, classes.length);
  fillMicroBatch(tensors, { ids, ...gatherSamples(split, ids) }, { image, classes: classes.length, seed: 0, epoch: 0 });
  return tensors.images;
}
