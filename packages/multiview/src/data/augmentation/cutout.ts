/**
 * Cutout (DeVries and Taylor 2017): a square of an image is filled with the mean colour. Its centre is any pixel, so at the
 * edge a part of the square lies outside.
 */
import { randomKey, randomStream, type ImageShape } from '@facet/shared';

/** A rectangle inside an image, ends exclusive. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** The part that lies inside the image of a rectangle around a pixel. */
export function boxAround(
  centre: { readonly row: number; readonly column: number },
  size: { readonly height: number; readonly width: number },
  image: ImageShape,
): Box {
  const top = centre.row - Math.floor(size.height / 2);
  const left = centre.column - Math.floor(size.width / 2);
  return {
    top: Math.max(0, top),
    left: Math.max(0, left),
    bottom: Math.min(image.height, top + size.height),
    right: Math.min(image.width, left + size.width),
  };
}

export interface CutoutOptions {
  readonly image: ImageShape;
  /** Side of the square. */
  readonly cutoutPixels: number;
  /** [channels] in [0, 1] */
  readonly pixelMean: readonly number[];
  readonly seed: number;
  readonly epoch: number;
  readonly id: number;
}

/** Fills the square of a sample in place; `values` is [channels, height, width]. */
export function cutOut(values: Float32Array, options: CutoutOptions): void {
  const { image, cutoutPixels, pixelMean, seed, epoch, id } = options;
  const { height, width, channels } = image;
  const stream = randomStream(randomKey('cutout', seed, epoch, id));
  const centre = { row: stream.nextBelow(height), column: stream.nextBelow(width) };
  const { top, left, bottom, right } = boxAround(centre, { height: cutoutPixels, width: cutoutPixels }, image);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = top; row < bottom; row++) {
      const start = (channel * height + row) * width;
      values.fill(pixelMean[channel]!, start + left, start + right);
    }
  }
}
