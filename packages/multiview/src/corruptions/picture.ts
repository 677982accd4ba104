/**
 * Pictures under corruption: planar floats in [0, 1], one plane per channel, and the ways to read between their pixels.
 * Every function returns a new picture; what leaves [0, 1] is cut at the end, by whoever applies the corruption.
 */
import type { ImageShape } from '@facet/shared';

export interface Picture {
  readonly image: ImageShape;
  /** [channels, height, width] */
  readonly pixels: Float32Array;
}

/** One channel, or any other field over the image. */
export interface Plane {
  readonly height: number;
  readonly width: number;
  /** [height, width] */
  readonly values: Float32Array;
}

/** What lies outside: nothing, the nearest pixel, or the mirror image without (`mirror`) its edge repeated. */
export type Edge = 'zero' | 'nearest' | 'mirror';

export function planesOf({ image: { channels, height, width }, pixels }: Picture): Plane[] {
  const size = height * width;
  return Array.from({ length: channels }, (_, channel) => ({
    height,
    width,
    values: pixels.subarray(channel * size, (channel + 1) * size),
  }));
}

/** A picture of the same shape with each plane replaced. */
export function mapPlanes(picture: Picture, change: (plane: Plane) => Plane): Picture {
  const pixels = new Float32Array(picture.pixels.length);
  let offset = 0;
  for (const plane of planesOf(picture)) {
    pixels.set(change(plane).values, offset);
    offset += plane.values.length;
  }
  return { image: picture.image, pixels };
}

/** A picture of the same shape with each pixel replaced; `at` is the pixel's place in its plane. */
export function mapPixels(picture: Picture, change: (value: number, at: number) => number): Picture {
  const size = picture.image.height * picture.image.width;
  return { image: picture.image, pixels: picture.pixels.map((value, i) => change(value, i % size)) };
}

/** A plane computed pixel by pixel. */
export function createPlane(height: number, width: number, valueAt: (row: number, column: number) => number): Plane {
  const values = new Float32Array(height * width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) values[row * width + column] = valueAt(row, column);
  }
  return { height, width, values };
}

/** The pixel at whole coordinates, which may lie outside. */
export function pixelAt({ height, width, values }: Plane, row: number, column: number, edge: Edge): number {
  const [r, c] = [placeIn(height, row, edge), placeIn(width, column, edge)];
  return r === undefined || c === undefined ? 0 : values[r * width + c]!;
}

function placeIn(size: number, at: number, edge: Edge): number | undefined {
  if (at >= 0 && at < size) return at;
  switch (edge) {
    case 'zero':
      return undefined;
    case 'nearest':
      return at < 0 ? 0 : size - 1;
    case 'mirror': {
      const period = Math.max(1, 2 * (size - 1));
      const folded = ((at % period) + period) % period;
      return folded < size ? folded : period - folded;
    }
    default:
      return edge satisfies never;
  }
}

/** The value between pixels, bilinearly. */
export function valueBetween(plane: Plane, row: number, column: number, edge: Edge): number {
  const [top, left] = [Math.floor(row), Math.floor(column)];
  const [down, right] = [row - top, column - left];
  const upper = (1 - right) * pixelAt(plane, top, left, edge) + right * pixelAt(plane, top, left + 1, edge);
  if (down === 0) return upper;
  const lower = (1 - right) * pixelAt(plane, top + 1, left, edge) + right * pixelAt(plane, top + 1, left + 1, edge);
  return (1 - down) * upper + down * lower;
}

/** Resamples: `sourceOf` says where in the source each pixel of the result looks. */
export function warp(
  plane: Plane,
  edge: Edge,
  sourceOf: (row: number, column: number) => readonly [row: number, column: number],
): Plane {
  return createPlane(plane.height, plane.width, (row, column) => valueBetween(plane, ...sourceOf(row, column), edge));
}

/** Looks closer at the centre by a factor. */
export function zoomIn(plane: Plane, factor: number): Plane {
  const [middleRow, middleColumn] = [(plane.height - 1) / 2, (plane.width - 1) / 2];
  return warp(plane, 'nearest', (row, column) => [
    (row - middleRow) / factor + middleRow,
    (column - middleColumn) / factor + middleColumn,
  ]);
}
