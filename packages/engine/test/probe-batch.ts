/** Random samples for the model that probes and engine tests run: the same ones for the same key. */
import { randomKey, randomStream } from '@facet/shared';
import { PROBE, type ProbeTensors } from '../src/probe-task.js';

/** Fills a micro-batch of PROBE_TASK; the last row is padding. */
export function fillProbeBatch(tensors: ProbeTensors, key: number): void {
  const stream = randomStream(randomKey('initialisation', key));
  tensors.images.forEach((_, i) => (tensors.images[i] = stream.nextUniform()));
  tensors.targets.fill(0);
  const rows = tensors.sampleWeights.length;
  for (let row = 0; row < rows; row++) {
    tensors.targets[row * PROBE.classes + stream.nextBelow(PROBE.classes)] = 1;
  }
  tensors.sampleWeights.fill(1).fill(0, rows - 1);
}
