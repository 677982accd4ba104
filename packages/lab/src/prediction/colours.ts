/**
 * Colours and opacity of a picture, as planes. Transparent pixels show white, as paper and most programs do; only a light
 * drawing on nothing, made for a dark page, shows black behind it. Pure.
 */
import type { Picture, Plane } from './picture.js';

/** Share of red, green and blue in grey: ITU-R BT.601, as Pillow and most datasets have it. */
const LUMA = [0.299, 0.587, 0.114] as const;

/** What shows through where a picture is transparent: 0 is black, 1 is white. */
export type Backdrop = 0 | 1;

/** White, unless what is drawn is itself light: the mean grey of the visible pixels is above a half, and some are not. */
export function backdropFor({ rgba }: Picture): Backdrop {
  let opacity = 0;
  let light = 0;
  for (let at = 0; at < rgba.length; at += 4) {
    const alpha = rgba[at + 3]! / 255;
    opacity += alpha;
    light += alpha * greyAt(rgba, at);
  }
  const isOpaque = opacity === rgba.length / 4;
  return !isOpaque && opacity > 0 && light / opacity > 0.5 ? 0 : 1;
}

/** Red, green and blue over a backdrop. */
export function colourPlanes({ width, height, rgba }: Picture, backdrop: Backdrop): Plane[] {
  return [0, 1, 2].map((channel) => ({
    width,
    height,
    values: overBackdrop(rgba, backdrop, (at) => rgba[at + channel]! / 255),
  }));
}

/** Grey over a backdrop. */
export function greyPlane({ width, height, rgba }: Picture, backdrop: Backdrop): Plane {
  return { width, height, values: overBackdrop(rgba, backdrop, (at) => greyAt(rgba, at)) };
}

function greyAt(rgba: Uint8Array, at: number): number {
  return (LUMA[0] * rgba[at]! + LUMA[1] * rgba[at + 1]! + LUMA[2] * rgba[at + 2]!) / 255;
}

function overBackdrop(rgba: Uint8Array, backdrop: Backdrop, valueAt: (at: number) => number): Float32Array {
  return Float32Array.from({ length: rgba.length / 4 }, (_, i) => {
    const alpha = rgba[4 * i + 3]! / 255;
    return alpha * valueAt(4 * i) + (1 - alpha) * backdrop;
  });
}
