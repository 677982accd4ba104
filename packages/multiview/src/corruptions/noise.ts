/**
 * Noise of single pixels: of the sensor, of counting photons, and of broken ones.
 */
import type { RandomStream } from '@facet/shared';
import { mapPixels, type Picture } from './picture.js';

/** Adds a normal number to every value. */
export function gaussianNoise(picture: Picture, deviation: number, stream: RandomStream): Picture {
  return mapPixels(picture, (value) => value + deviation * stream.nextNormal());
}

/** Counts photons: a Poisson number of mean `value * photons`, over `photons`. */
export function shotNoise(picture: Picture, photons: number, stream: RandomStream): Picture {
  return mapPixels(picture, (value) => poisson(value * photons, stream) / photons);
}

/** Sets a share of the values to 0 or 1, each as likely. */
export function impulseNoise(picture: Picture, share: number, stream: RandomStream): Picture {
  return mapPixels(picture, (value) => {
    const draw = stream.nextUniform();
    return draw >= share ? value : draw < share / 2 ? 0 : 1;
  });
}

/** Above it the normal approximation is closer than the grain of 8-bit pixels. */
const POISSON_EXACT_BELOW = 30;

function poisson(mean: number, stream: RandomStream): number {
  if (mean > POISSON_EXACT_BELOW) return Math.max(0, Math.round(mean + Math.sqrt(mean) * stream.nextNormal()));
  // Knuth: count how many uniform numbers can be multiplied before the product falls below exp(-mean).
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = stream.nextUniform(); product > limit; product *= stream.nextUniform()) count += 1;
  return count;
}
