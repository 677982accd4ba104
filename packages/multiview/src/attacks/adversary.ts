/**
 * The adversary of adversarial training (Madry et al. 2018): before a micro-batch is run, it moves samples inside the ball
 * to where the current weights read them worst; the run then trains on what it left, with the same targets.
 *
 * Invariant: what it does to a micro-batch is a function of the weights, the filled slot and (seed, epoch, sample id), so any
 * worker, and any second attempt, gets the same bits. It climbs the cross-entropy with the slot's own targets, mixed ones
 * too; label smoothing and auxiliary losses take no part.
 */
import { randomKey, randomStream, type RandomStream } from '@facet/shared';
import type { AdversarialConfig } from '../config/adversarial-schema.js';
import type { Adversary } from '@facet/task';
import type * as tf from '@tensorflow/tfjs';
import type { MicroBatchTensors } from '../data/micro-batch.js';
import { attackLosses } from '../model/attack-losses.js';
import type { Model } from '../model/multi-view-transformer.js';
import { climb, type Place } from './climb.js';
import { gatherRows, rowOf } from './standing.js';
import { stepSizeFor } from './attack-plan.js';

/** The adversary of a model; undefined when it is trained on the samples as they are. */
export function createAdversary(
  { forward }: Pick<Model, 'forward'>,
  { norm, eps, steps, stepSize, share }: AdversarialConfig,
): Adversary<MicroBatchTensors> | undefined {
  if (eps === 0) return undefined;
  const options = { threat: { norm, eps }, steps, stepSize: stepSize > 0 ? stepSize : stepSizeFor(eps, steps) };
  return {
    input: 'images',
    inputs: ['images', 'targets'],
    losses: (parameters, inputs) =>
      attackLosses(
        forward(parameters, inputs.get('images') as tf.Tensor2D),
        inputs.get('targets') as tf.Tensor2D,
        'cross-entropy',
      ),
    async attack({ images, sampleWeights }, gradient, { ids, seed, epoch, signal }) {
      const pixels = images.length / sampleWeights.length;
      const streams = drawAttacked(ids, share, (id) => randomKey('adversarial', seed, epoch, id));
      const foot = { origins: images.slice(), pixels, samples: [...streams.keys()] };
      const show = ({ samples, images: moved }: Place): void => {
        samples.forEach((row, i) => images.set(rowOf(moved, i, pixels), row * pixels));
      };
      let gradients = 0;
      const end = await climb(foot, { ...options, startOf: (row) => streams.get(row)! }, async (place) => {
        show(place);
        await gradient.run();
        gradients += place.samples.length;
        return {
          gradient: gatherRows(gradient.values, place.samples, pixels),
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
