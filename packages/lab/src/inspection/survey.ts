/**
 * The readings of many images, reduced to what a comparison needs: attention between tokens, the answer, and the pictures that
 * the views make.
 */
import { argMax } from '../models/probabilities.js';
import { meanAttention } from './attention-maps.js';
import type { AttentionMap } from './correspondence.js';
import type { Inspector } from './inspector.js';

export interface Survey {
  /** One for each image. */
  readonly maps: readonly AttentionMap[];
  /** The class that each image was taken for. */
  readonly answers: readonly number[];
  /** For each view all images through it, [images, channels * height * width]. */
  readonly views: readonly Float32Array[];
}

/** @param images [count, channels * height * width], planar, in [0, 1] */
export async function surveyImages(inspector: Inspector, images: Float32Array): Promise<Survey> {
  const maps: AttentionMap[] = [];
  const answers: number[] = [];
  const views: Float32Array[] = [];
  for await (const reading of inspector.read(images)) {
    reading.views.forEach((picture, view) => {
      views[view] ??= new Float32Array(images.length);
      views[view].set(picture, maps.length * picture.length);
    });
    maps.push(meanAttention(reading, inspector.shape));
    answers.push(argMax(reading.logits));
  }
  return { maps, answers, views };
}
