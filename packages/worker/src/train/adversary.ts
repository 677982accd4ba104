/**
 * The adversary of adversarial training (Madry et al. 2018): before a micro-batch is run, it moves samples inside the ball
 * to where the current weights read them worst; the run then trains on what it left, with the same targets.
 *
 * Invariant: what it does to a micro-batch is a function of the weights, the filled slot and (seed, epoch, sample id), so any
 * worker, and any second attempt, gets the same bits. It climbs the cross-entropy with the slot's own targets, mixed ones
 * too; label smoothing and auxiliary losses take no part.
 */
import { randomKey, randomStream, TrainingError, type RandomStream, type RunConfig } from '@facet/shared';
import type { TrainingSlot } from '../engine/compute.js';
import { climb, type Place } from '../robustness/attacks/climb.js';
import { gatherRows, rowOf } from '../robustness/attacks/standing.js';
import { stepSizeFor } from '../robustness/attack-plan.js';

export interface Adversary {
  /**
   * Attacks a filled slot in place. When the signal aborts it stops after the gradient at work, and leaves what nobody should
   * train on.
   *
   * @returns how many gradients it took, counted per sample
   */
  attack(slot: TrainingSlot, microBatch: AttackedMicroBatch): Promise<number>;
}

export interface AttackedMicroBatch {
  /** [count], the samples in the first rows of the slot. */
  readonly ids: Uint32Array;
  readonly epoch: number;
  readonly signal: AbortSignal;
}

/** The adversary of a run; undefined when it trains on the samples as they are. */
export function createAdversary({ seed, adversarial }: Pick<RunConfig, 'seed' | 'adversarial'>): Adversary | undefined {
  const { norm, eps, steps, stepSize, share } = adversarial;
  if (eps === 0) return undefined;
  const options = { threat: { norm, eps }, steps, stepSize: stepSize > 0 ? stepSize : stepSizeFor(eps, steps) };
  return {
    async attack({ tensors, pixelGradient }, { ids, epoch, signal }) {
      if (pixelGradient === undefined) {
        throw new TrainingError('INTERNAL', 'the engine was opened without the attack program, but the run attacks');
      }
      const { images } = tensors;
      const pixels = images.length / tensors.sampleWeights.length;
      const streams = drawAttacked(ids, share, (id) => randomKey('adversarial', seed, epoch, id));
      const foot = { origins: images.slice(), pixels, samples: [...streams.keys()] };
      const show = ({ samples, images: moved }: Place): void => {
        samples.forEach((row, i) => images.set(rowOf(moved, i, pixels), row * pixels));
      };
      let gradients = 0;
      const end = await climb(foot, { ...options, startOf: (row) => streams.get(row)! }, async (place) => {
        show(place);
        await pixelGradient.run();
        gradients += place.samples.length;
        return {
          gradient: gatherRows(pixelGradient.values, place.samples, pixels),
          ...(signal.aborted && { staying: [] }),
        };
      });
      show(end);
      return gradients;
    },
  };
}

/** The rows that are attacked, each with the stream that its start is drawn from. */
function drawAttacked(ids: Uint32Array, share: number, keyOf: (id: number) => number): Map<number, RandomStream> {
  const streams = new Map<number, RandomStream>();
  ids.forEach((id, row) => {
    const stream = randomStream(keyOf(id));
    if (stream.nextUniform() < share) streams.set(row, stream);
  });
  return streams;
}
