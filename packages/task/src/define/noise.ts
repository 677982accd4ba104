/**
 * What a model draws at random while it is trained: dropout (Srivastava et al. 2014) and normal noise. Every number is a
 * function of the seed, the epoch, the sample and its place in the model. So it is the same on any worker, in any
 * micro-batch, and after a resume. A program draws nothing: these numbers are inputs, filled beside the samples.
 */
import * as tf from '@tensorflow/tfjs';
import type { Noise } from '@facet/compiler';
import { randomKey, randomStream } from '@facet/shared';
import type { BatchIdentity, Tensors } from '../task.js';
import type { SampleTensors } from './define-task.js';

/**
 * Factors that drop numbers: 0 with probability `rate`, else 1 / (1 - rate), so that the mean stays. Multiply by them.
 * Outside of training they are ones.
 *
 * @param shape of one sample; an axis of size 1 drops along that axis as a whole
 * @param rate 0 up to 1, without 1
 */
export function dropout(shape: readonly number[], rate: number): Noise {
  return { kind: 'dropout', shape, rate };
}

/** Normal numbers; outside of training the mean. Add them with a mean of 0, or multiply by them with a mean of 1. */
export function normalNoise(shape: readonly number[], stddev: number, mean = 0): Noise {
  return { kind: 'normal', shape, stddev, mean };
}

export type NamedNoise = Noise & { readonly name: string };

/** The input that holds it; no field and no parameter has such a name. */
export const noiseInput = (name: string): string => `noise:${name}`;

/** What is wrong with what a model draws; undefined when nothing is. */
export function requireNoise(noise: readonly NamedNoise[]): string | undefined {
  for (const one of noise) {
    const isShape = one.shape instanceof Array && one.shape.every((size) => Number.isInteger(size) && size > 0);
    if (!isShape) return `noise.${one.name} has shape [${String(one.shape)}], expected whole numbers from 1`;
    if (one.kind === 'dropout' && !(one.rate >= 0 && one.rate < 1)) {
      return `noise.${one.name} drops at a rate of ${one.rate}, expected 0 up to 1, without 1`;
    }
    if (one.kind === 'normal' && !(one.stddev >= 0 && Number.isFinite(one.mean + one.stddev))) {
      return `noise.${one.name} has mean ${one.mean} and standard deviation ${one.stddev}, expected finite numbers, the latter from 0`;
    }
  }
  return undefined;
}

/** The numbers that change nothing. */
const quiet = (noise: Noise): number => (noise.kind === 'dropout' ? 1 : noise.mean);

export interface NoiseIdentity {
  /** Of the noise among those of the model. */
  readonly place: number;
  /** [count], the samples in the first rows. */
  readonly ids: Uint32Array;
  readonly identity: Pick<BatchIdentity, 'seed' | 'epoch' | 'isTraining'>;
}

/** Fills one input, [microBatch, ...shape]. Rows without a sample, and all rows outside of training, get what changes nothing. */
export function fillNoise(noise: Noise, to: Float32Array, { place, ids, identity }: NoiseIdentity): void {
  const { seed, epoch, isTraining } = identity;
  const length = noise.shape.reduce((product, size) => product * size, 1);
  if (!isTraining) {
    to.fill(quiet(noise));
    return;
  }
  ids.forEach((id, row) => {
    const stream = randomStream(randomKey('noise', seed, epoch, id, place));
    const [start, end] = [row * length, (row + 1) * length];
    if (noise.kind === 'dropout') {
      const kept = 1 / (1 - noise.rate);
      const threshold = noise.rate * 2 ** 32;
      for (let at = start; at < end; at++) to[at] = stream.nextUint32() < threshold ? 0 : kept;
    } else {
      const { mean, stddev } = noise;
      for (let at = start; at < end; at++) to[at] = mean + stddev * stream.nextNormal();
    }
  });
  to.fill(quiet(noise), ids.length * length);
}

/** The inputs by the names of the model. */
export function noiseTensors(noise: readonly NamedNoise[], inputs: Tensors): SampleTensors {
  return Object.fromEntries(noise.map(({ name }) => [name, inputs.get(noiseInput(name))!]));
}

/** Tensors that change nothing, for answers. */
export function quietTensors(noise: readonly NamedNoise[], microBatch: number): SampleTensors {
  return Object.fromEntries(noise.map((one) => [one.name, tf.fill([microBatch, ...one.shape], quiet(one))]));
}
