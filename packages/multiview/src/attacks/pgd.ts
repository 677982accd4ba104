/**
 * Projected gradient descent (Madry et al. 2018), and with one step of size eps from the clean image FGSM (Goodfellow et al.
 * 2015). The start of a restart depends on (seed, sample id, restart) alone: more restarts contain fewer ones, and more
 * steps of one size contain fewer ones. A sample leaves as soon as it is broken.
 */
import { randomKey, randomStream, type RandomStream } from '@facet/shared';
import type { AttackLoss } from '../model/attack-losses.js';
import { climb, type Place } from './climb.js';
import type { Oracle } from './oracle.js';
import {
  openStanding,
  rowOf,
  type AttackProgress,
  type AttackResult,
  type AttackSamples,
  type Standing,
} from './standing.js';
import type { Threat } from './threat.js';

export interface PgdOptions {
  readonly threat: Threat;
  readonly loss: AttackLoss;
  readonly steps: number;
  readonly stepSize: number;
  /** 1 or more; from the second on, every one starts at random. */
  readonly restarts: number;
  /** Where the first restart starts. */
  readonly start: 'clean' | 'random';
  readonly seed: number;
  readonly onProgress?: ((progress: AttackProgress) => void) | undefined;
}

/** Attacks samples by gradients. */
export async function attackByGradient(
  oracle: Oracle,
  samples: AttackSamples,
  options: PgdOptions,
): Promise<AttackResult> {
  const standing = await openStanding(oracle, samples);
  const { restarts, steps, start, seed, onProgress } = options;
  const pixels = samples.images.length / samples.labels.length;
  for (let restart = 0; restart < restarts && standing.survivors().length > 0; restart++) {
    const report = (step: number): void => {
      onProgress?.({ done: restart * steps + step, total: restarts * steps, survivors: standing.survivors().length });
    };
    const foot = { origins: samples.images, pixels, samples: standing.survivors() };
    const isFromClean = start === 'clean' && restart === 0;
    const startOf = (sample: number): RandomStream =>
      randomStream(randomKey('attack', seed, samples.ids[sample]!, restart));
    let step = 0;
    const end = await climb(foot, { ...options, startOf: isFromClean ? undefined : startOf }, async (place) => {
      report(step++);
      const labels = Uint8Array.from(place.samples, (sample) => samples.labels[sample]!);
      const { logits, gradient } = await oracle.gradient(place.images, labels, options.loss);
      return { gradient, staying: judge(place, logits, standing) };
    });
    // The last step led to images that nobody has looked at yet.
    judge(end, await oracle.logits(end.images), standing);
    report(steps);
  }
  return standing.result;
}

/** Offers every image of a place; returns the places of the samples that are not broken. */
function judge({ samples, images }: Place, logits: Float32Array, standing: Standing): number[] {
  const pixels = images.length / Math.max(1, samples.length);
  const classes = logits.length / Math.max(1, samples.length);
  return [...samples.keys()].filter(
    (i) => !standing.offer(samples[i]!, rowOf(images, i, pixels), rowOf(logits, i, classes)),
  );
}
