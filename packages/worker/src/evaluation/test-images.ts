/**
 * Samples of a test split as a model takes them: whole, not augmented, planar, in [0, 1].
 */
import type { Dataset } from '@facet/datasets';
import { allocateMicroBatch, fillMicroBatch } from '../data/micro-batch.js';

/**
 * The images of the samples `start` to `end - 1` of the test split.
 *
 * @returns [end - start, channels * height * width]
 */
export function testImages({ image, classes, test }: Dataset, start: number, end: number): Float32Array {
  const bytesPerSample = image.height * image.width * image.channels;
  const tensors = allocateMicroBatch(end - start, image, classes.length);
  const labels = test.labels.subarray(start, end);
  fillMicroBatch(
    tensors,
    {
      ids: Uint32Array.from(labels, (_, i) => start + i),
      labels,
      pixels: test.pixels.subarray(start * bytesPerSample, end * bytesPerSample),
    },
    { image, classes: classes.length, seed: 0, epoch: 0 },
  );
  return tensors.images;
}
