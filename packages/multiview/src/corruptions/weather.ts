/**
 * Weather: fog, snow, frost and spatter. Their layers are generated; frost has no photographs behind it, unlike the
 * published sets.
 */
import type { RandomStream } from '@facet/shared';
import { gaussianBlur, motionBlur } from './filters.js';
import { createPlane, mapPixels, pixelAt, planesOf, zoomIn, type Picture, type Plane } from './picture.js';
import { plasma } from './plasma.js';

export interface Fog {
  readonly density: number;
  /** What the roughness is divided by at each finer scale. */
  readonly decay: number;
  /** Side of the cloud field that the picture is cut from, a power of two. */
  readonly fieldSize: number;
}

/** Adds a cloud and brings the result back to the brightness that the picture had. */
export function fog(picture: Picture, { density, decay, fieldSize }: Fog, stream: RandomStream): Picture {
  const { width } = picture.image;
  const field = plasma(fieldSize, decay, stream);
  const brightest = picture.pixels.reduce((most, value) => Math.max(most, value), 0);
  return mapPixels(picture, (value, at) => {
    const cloud = pixelAt(field, Math.floor(at / width), at % width, 'zero');
    return ((value + density * cloud) * brightest) / (brightest + density);
  });
}

export interface Snow {
  readonly mean: number;
  readonly deviation: number;
  readonly zoom: number;
  /** Flakes darker than it are none. */
  readonly threshold: number;
  readonly radius: number;
  readonly sigma: number;
  /** Share of the picture that stays as it is; the rest is whitened. */
  readonly kept: number;
}

/** Whitens, and lets flakes fall, twice: the second time turned by 180 degrees. */
export function snow(picture: Picture, options: Snow, stream: RandomStream): Picture {
  const { height, width } = picture.image;
  const { mean, deviation, zoom, threshold, radius, sigma, kept } = options;
  const noise = createPlane(height, width, () => mean + deviation * stream.nextNormal());
  const flakes = mapPlane(zoomIn(noise, zoom), (value) => (value < threshold ? 0 : Math.min(1, value)));
  const angle = -Math.PI / 4 - (stream.nextUniform() * Math.PI) / 2;
  const { values: falling } = motionBlur(flakes, { radius, sigma, angle });
  const grey = greyOf(picture);
  return mapPixels(picture, (value, at) => {
    const whitened = kept * value + (1 - kept) * Math.max(value, grey[at]! * 1.5 + 0.5);
    return whitened + falling[at]! + falling[falling.length - 1 - at]!;
  });
}

export interface Frost {
  /** Share of the picture, and of the frost over it. */
  readonly picture: number;
  readonly frost: number;
}

/** Frost of roughly this size is cut from a larger field, so that pictures do not all show its corner. */
const FROST_FIELD = 64;

/** Lays bright, branching ridges over the picture: the places where a rough plasma crosses its middle. */
export function frost(picture: Picture, { picture: share, frost: amount }: Frost, stream: RandomStream): Picture {
  const { width } = picture.image;
  const field = plasma(FROST_FIELD, 1.8, stream);
  return mapPixels(picture, (value, at) => {
    const height = pixelAt(field, Math.floor(at / width), at % width, 'mirror');
    const ridge = 1 - Math.min(1, Math.abs(height - 0.5) * 5);
    return share * value + amount * (0.45 + 0.55 * ridge);
  });
}

export interface Spatter {
  readonly mean: number;
  readonly deviation: number;
  readonly sigma: number;
  readonly threshold: number;
  readonly edgeSigma: number;
}

const MUD = 63 / 255;

/** Covers blots with mud. */
export function spatter(picture: Picture, options: Spatter, stream: RandomStream): Picture {
  const { height, width } = picture.image;
  const { mean, deviation, sigma, threshold, edgeSigma } = options;
  const liquid = gaussianBlur(
    createPlane(height, width, () => mean + deviation * stream.nextNormal()),
    sigma,
  );
  const blots = gaussianBlur(
    mapPlane(liquid, (value) => (value > threshold ? 1 : 0)),
    edgeSigma,
  );
  return mapPixels(picture, (value, at) => {
    const cover = blots.values[at]! < 0.8 ? 0 : blots.values[at]!;
    return value * (1 - cover) + MUD * cover;
  });
}

function mapPlane(plane: Plane, change: (value: number) => number): Plane {
  return { ...plane, values: plane.values.map(change) };
}

/** Luma of the picture, [height * width]. */
function greyOf(picture: Picture): Float32Array {
  const [red, green, blue] = planesOf(picture).map(({ values }) => values) as [Float32Array, ...Float32Array[]];
  if (green === undefined || blue === undefined) return red;
  return red.map((value, i) => 0.299 * value + 0.587 * green[i]! + 0.114 * blue[i]!);
}
