/**
 * The climb of projected gradient descent (Madry et al. 2018): from a start inside the ball so many steps up a loss, each
 * projected back. Attacks and adversarial training both climb here; what is climbed, and who has gone far enough, is the
 * caller's to say. Samples do not see each other.
 */
import type { RandomStream } from '@facet/shared';
import { gatherRows, rowOf } from './standing.js';
import { ascend, project, startAtRandom, type Threat } from './threat.js';

export interface ClimbOptions {
  readonly threat: Threat;
  readonly steps: number;
  readonly stepSize: number;
  /** The randomness of a sample's start; absent: every sample starts at its origin. */
  readonly startOf?: ((sample: number) => RandomStream) | undefined;
}

/** Where the climbing samples are. */
export interface Place {
  /** Rows of the origins, ascending. */
  readonly samples: readonly number[];
  /** [samples, pixels] */
  readonly images: Float32Array;
}

/** What is read at a place. */
export interface Reading {
  /** [samples, pixels]: the gradient of each sample's own loss. */
  readonly gradient: Float32Array;
  /** Places in `samples` of those that go on, ascending; absent: all of them. */
  readonly staying?: readonly number[];
}

/** The images that a climb moves, and what they are moved away from. */
export interface Foot {
  /** [count, pixels]; only read. */
  readonly origins: Float32Array;
  readonly pixels: number;
  /** The rows that climb. */
  readonly samples: readonly number[];
}

/**
 * Climbs, reading once before every step.
 *
 * @returns where the samples that went on to the end are; nothing was read there
 */
export async function climb(
  { origins, pixels, samples }: Foot,
  { threat, steps, stepSize, startOf }: ClimbOptions,
  read: (place: Place) => Promise<Reading>,
): Promise<Place> {
  const origin = (sample: number): Float32Array => rowOf(origins, sample, pixels);
  let place: Place = { samples, images: gatherRows(origins, samples, pixels) };
  if (startOf !== undefined) {
    samples.forEach((sample, i) => {
      startAtRandom(rowOf(place.images, i, pixels), origin(sample), threat, startOf(sample));
    });
  }
  for (let step = 0; step < steps && place.samples.length > 0; step++) {
    const { gradient, staying = [...place.samples.keys()] } = await read(place);
    place = {
      samples: staying.map((i) => place.samples[i]!),
      images: gatherRows(place.images, staying, pixels),
    };
    staying.forEach((from, to) => {
      const image = rowOf(place.images, to, pixels);
      ascend(image, rowOf(gradient, from, pixels), stepSize, threat.norm);
      project(image, origin(place.samples[to]!), threat);
    });
  }
  return place;
}
