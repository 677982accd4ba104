/**
 * From any picture to the one a model was trained on: size, channels, and for digits white on black. Says what it changed.
 * Pure.
 */
import type { DatasetTraits, ImageShape } from '@facet/shared';
import { backdropFor, colourPlanes, greyPlane } from './colours.js';
import { centreInk, hasLightBackground, inverted } from './digit.js';
import type { Picture, Plane } from './picture.js';
import { resample } from './resample.js';

export interface PreparedImage {
  /** [channels * height * width], planar, in [0, 1] */
  readonly pixels: Float32Array;
  /** What was done beyond resizing and greying, in the order it was done: `inverted`, `centred`, `cropped`, `blank`. */
  readonly changes: readonly Change[];
}

/** `blank`: the picture is of one colour, and there is nothing to see in it. */
export type Change = 'inverted' | 'centred' | 'cropped' | 'blank';

/**
 * Prepares a picture for a model.
 *
 * A `photo` is resized until it fills the square and its middle is cut out. A `digit` of a light background is
 * inverted; unless it has the model's size already, its ink is scaled and centred.
 */
export function prepareImage(picture: Picture, image: ImageShape, style: DatasetTraits['style']): PreparedImage {
  const planes = image.channels === 1 ? [greyPlane(picture, backdropFor(picture))] : colourPlanes(picture, 1);
  return style === 'digit' ? prepareDigit(planes, image) : preparePhoto(planes, image);
}

function prepareDigit(planes: readonly Plane[], image: ImageShape): PreparedImage {
  const isLight = hasLightBackground(planes[0]!);
  const upright = isLight ? planes.map(inverted) : planes;
  const changes: Change[] = isLight ? ['inverted'] : [];
  if (hasSizeOf(planes[0]!, image)) return { pixels: joined(upright), changes };
  const centred = upright.map((plane) => centreInk(plane, image));
  if (centred.every((plane) => plane !== undefined)) {
    return { pixels: joined(centred), changes: [...changes, 'centred'] };
  }
  return { pixels: joined(upright.map((plane) => resample(plane, wholeOf(plane), image))), changes: ['blank'] };
}

function preparePhoto(planes: readonly Plane[], image: ImageShape): PreparedImage {
  if (hasSizeOf(planes[0]!, image)) return { pixels: joined(planes), changes: [] };
  const { width, height } = planes[0]!;
  const scale = Math.min(width / image.width, height / image.height);
  const crop = { width: image.width * scale, height: image.height * scale };
  const middle = { left: (width - crop.width) / 2, top: (height - crop.height) / 2, ...crop };
  const isCropped = crop.width < width || crop.height < height;
  return {
    pixels: joined(planes.map((plane) => resample(plane, middle, image))),
    changes: isCropped ? ['cropped'] : [],
  };
}

function hasSizeOf(plane: Plane, image: ImageShape): boolean {
  return plane.width === image.width && plane.height === image.height;
}

function wholeOf({ width, height }: Plane) {
  return { left: 0, top: 0, width, height };
}

function joined(planes: readonly Plane[]): Float32Array {
  const size = planes[0]!.values.length;
  const pixels = new Float32Array(planes.length * size);
  planes.forEach(({ values }, channel) => {
    pixels.set(values, channel * size);
  });
  return pixels;
}
