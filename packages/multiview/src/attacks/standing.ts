/**
 * The standing of an attack: for every sample the most damaging image found so far. What counts is the margin, whatever loss
 * the attack climbs, because it says directly how near a sample is to being misread; so a result is never less damaging
 * than the clean image. A sample that was misread once is broken, and done.
 */
import { answerOf, marginOf, type Oracle } from './oracle.js';

/** Samples under attack; none of the arrays is written to. */
export interface AttackSamples {
  /** [count]; what the randomness of a sample depends on, instead of its place. */
  readonly ids: Uint32Array;
  /** [count] */
  readonly labels: Uint8Array;
  /** [count, pixels], planar, in [0, 1] */
  readonly images: Float32Array;
}

export interface AttackResult {
  /** [count, pixels]: the most damaging image of each sample. */
  readonly images: Float32Array;
  /** [count]: the margin of that image; above 0 it is misread. */
  readonly margins: Float32Array;
  /** [count]: 1 where an image inside the ball, or the clean one, is misread. */
  readonly isBroken: Uint8Array;
}

/** How far an attack is; `survivors` samples are still read correctly. */
export interface AttackProgress {
  readonly done: number;
  readonly total: number;
  readonly survivors: number;
}

export interface Standing {
  readonly result: AttackResult;
  /** Indices of the samples that are not broken. */
  readonly survivors: () => number[];
  /** Judges an image of a sample by its logits; true when the sample is broken now. */
  readonly offer: (sample: number, image: Float32Array, logits: Float32Array) => boolean;
}

/** Opens the standing with the clean images. */
export async function openStanding(oracle: Oracle, samples: AttackSamples): Promise<Standing> {
  const { images, labels } = samples;
  const { classes } = oracle;
  const pixels = images.length / labels.length;
  const result: AttackResult = {
    images: images.slice(),
    margins: new Float32Array(labels.length).fill(-Infinity),
    isBroken: new Uint8Array(labels.length),
  };
  const standing: Standing = {
    result,
    survivors: () => [...labels.keys()].filter((sample) => result.isBroken[sample] === 0),
    offer(sample, image, logits) {
      const label = labels[sample]!;
      const margin = marginOf(logits, label);
      if (margin > result.margins[sample]!) {
        result.margins[sample] = margin;
        result.images.set(image, sample * pixels);
      }
      if (answerOf(logits) !== label) result.isBroken[sample] = 1;
      return result.isBroken[sample] === 1;
    },
  };
  const logits = await oracle.logits(images);
  for (const sample of labels.keys()) {
    standing.offer(sample, rowOf(images, sample, pixels), rowOf(logits, sample, classes));
  }
  return standing;
}

/** One row of a row-major array, as a view on it. */
export function rowOf(values: Float32Array, row: number, length: number): Float32Array {
  return values.subarray(row * length, (row + 1) * length);
}

/** The chosen rows of a row-major array, packed. */
export function gatherRows(values: Float32Array, rows: readonly number[], length: number): Float32Array {
  const packed = new Float32Array(rows.length * length);
  rows.forEach((row, i) => packed.set(rowOf(values, row, length), i * length));
  return packed;
}
