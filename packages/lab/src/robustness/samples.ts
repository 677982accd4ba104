/**
 * Test samples as attacks and corruptions take them: planar floats in [0, 1], chosen by a seed so that every attack, every
 * corruption and every run of the command sees the same ones.
 */
import { permutation, type ImageShape } from '@facet/shared';
import type { Split } from '@facet/datasets';
import type { AttackSamples } from '@facet/multiview';

/** So many sample ids of a split, in ascending order; all of them when there are no more. */
export function chooseIds(splitCount: number, count: number, seed: number): Uint32Array {
  return permutation(seed, 0, splitCount).slice(0, Math.min(count, splitCount)).sort();
}

/** Reads the chosen samples of a split. */
export function samplesOf({ pixels, labels }: Split, image: ImageShape, ids: Uint32Array): AttackSamples {
  const { height, width, channels } = image;
  const area = height * width;
  const size = area * channels;
  const images = new Float32Array(ids.length * size);
  ids.forEach((id, i) => {
    for (let at = 0; at < area; at++) {
      for (let channel = 0; channel < channels; channel++) {
        images[i * size + channel * area + at] = pixels[id * size + at * channels + channel]! / 255;
      }
    }
  });
  return { ids, labels: Uint8Array.from(ids, (id) => labels[id]!), images };
}

/** The first so many samples. */
export function firstSamples({ ids, labels, images }: AttackSamples, count: number): AttackSamples {
  const pixels = images.length / labels.length;
  return { ids: ids.slice(0, count), labels: labels.slice(0, count), images: images.slice(0, count * pixels) };
}
