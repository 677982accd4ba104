/**
 * Projected gradient descent (Madry et al. 2018), and with one step of size eps from the clean image FGSM (Goodfellow et al.
 * 2015). The start of a restart depends on (seed, sample id, restart) alone: more restarts contain fewer ones, and more
 * steps of one size contain fewer ones. A sample leaves as soon as it is broken.
 */
import { randomKey, randomStream } from '@facet/shared';
import type { AttackLoss, Oracle } from './oracle.js';
import {
  gatherRows,
  openStanding,
  rowOf,
  type AttackProgress,
  type AttackResult,
  type AttackSamples,
  type Standing,
} from './standing.js';
import { ascend, project, startAtRandom, type Threat } from './threat.js';

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
  const { restarts, steps } = options;
  for (let restart = 0; restart < restarts && standing.survivors().length > 0; restart++) {
    const climb = startClimb(samples, standing.survivors(), options, restart);
    const report = (step: number): void => {
      const survivors = standing.survivors().length;
      options.onProgress?.({ done: restart * steps + step, total: restarts * steps, survivors });
    };
    for (let step = 0; step < steps && climb.active.length > 0; step++) {
      report(step);
      await takeStep(oracle, samples, climb, standing, options);
    }
    // The last step led to images that nobody has looked at yet.
    await judge(oracle, climb, standing);
    report(steps);
  }
  return standing.result;
}

/** The samples that a restart is still at work on, and where it is with each. */
interface Climb {
  active: number[];
  /** [active.length, pixels] */
  images: Float32Array;
}

function startClimb(samples: AttackSamples, active: number[], options: PgdOptions, restart: number): Climb {
  const { threat, start, seed } = options;
  const pixels = samples.images.length / samples.labels.length;
  const images = gatherRows(samples.images, active, pixels);
  if (start === 'clean' && restart === 0) return { active, images };
  active.forEach((sample, i) => {
    const stream = randomStream(randomKey('attack', seed, samples.ids[sample]!, restart));
    startAtRandom(rowOf(images, i, pixels), rowOf(samples.images, sample, pixels), threat, stream);
  });
  return { active, images };
}

/** Judges where the climb is, lets the broken samples go, and moves the others one step up. */
async function takeStep(
  oracle: Oracle,
  samples: AttackSamples,
  climb: Climb,
  standing: Standing,
  { threat, loss, stepSize }: PgdOptions,
): Promise<void> {
  const pixels = samples.images.length / samples.labels.length;
  const labels = Uint8Array.from(climb.active, (sample) => samples.labels[sample]!);
  const { logits, gradient } = await oracle.gradient(climb.images, labels, loss);
  const staying = [...climb.active.keys()].filter(
    (i) => !standing.offer(climb.active[i]!, rowOf(climb.images, i, pixels), rowOf(logits, i, oracle.classes)),
  );
  climb.images = gatherRows(climb.images, staying, pixels);
  climb.active = staying.map((i) => climb.active[i]!);
  staying.forEach((from, to) => {
    const image = rowOf(climb.images, to, pixels);
    ascend(image, rowOf(gradient, from, pixels), stepSize, threat.norm);
    project(image, rowOf(samples.images, climb.active[to]!, pixels), threat);
  });
}

async function judge(oracle: Oracle, { active, images }: Climb, standing: Standing): Promise<void> {
  const logits = await oracle.logits(images);
  const pixels = images.length / Math.max(1, active.length);
  active.forEach((sample, i) => standing.offer(sample, rowOf(images, i, pixels), rowOf(logits, i, oracle.classes)));
}
