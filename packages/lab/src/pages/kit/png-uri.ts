/**
 * Small pictures as data URIs: a page carries its images inside itself.
 */
import { PNG } from 'pngjs';

/** Eight bits a channel, row by row. */
export interface PixelImage {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] */
  readonly rgb: Uint8Array;
}

const TRUECOLOUR = 2;

/** A picture as `data:image/png;base64,...`. */
export function pngUri({ width, height, rgb }: PixelImage): string {
  const png = new PNG({ width, height });
  for (let pixel = 0; pixel < width * height; pixel++) {
    png.data.set(rgb.subarray(3 * pixel, 3 * pixel + 3), 4 * pixel);
    png.data[4 * pixel + 3] = 255;
  }
  const bytes = PNG.sync.write(png, { colorType: TRUECOLOUR });
  return `data:image/png;base64,${bytes.toString('base64')}`;
}
