/**
 * What JPEG does to a picture: YCbCr, chroma at half the resolution, a discrete cosine transform of 8 x 8 blocks, and
 * quantisation by the tables of the standard's annex K, scaled as libjpeg scales them. The entropy code loses nothing and is
 * left out.
 */
import { createPlane, pixelAt, planesOf, valueBetween, type Picture, type Plane } from './picture.js';

const BLOCK = 8;

const LUMA = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
  87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
];

const CHROMA = [
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99,
];

/** The orthonormal DCT-II: row k is the k-th cosine. */
const COSINES = Array.from({ length: BLOCK }, (_, k) =>
  Array.from(
    { length: BLOCK },
    (_unused, n) => Math.sqrt((k === 0 ? 1 : 2) / BLOCK) * Math.cos(((2 * n + 1) * k * Math.PI) / (2 * BLOCK)),
  ),
);

/** Compresses and decompresses at a quality of 1 to 100. */
export function jpeg(picture: Picture, quality: number): Picture {
  const { image } = picture;
  const [red, green, blue] = planesOf(picture) as [Plane, Plane | undefined, Plane | undefined];
  const lumaTable = scaledTable(LUMA, quality);
  if (green === undefined || blue === undefined) {
    return { image, pixels: quantise(red, lumaTable).values };
  }
  const mix = (r: number, g: number, b: number): Plane =>
    createPlane(image.height, image.width, (row, column) => {
      const at = row * image.width + column;
      return r * red.values[at]! + g * green.values[at]! + b * blue.values[at]!;
    });
  const chromaTable = scaledTable(CHROMA, quality);
  const chroma = (plane: Plane): Plane => doubled(quantise(halved(plane), chromaTable, 0), image);
  const luma = quantise(mix(0.299, 0.587, 0.114), lumaTable).values;
  const { values: bluish } = chroma(mix(-0.168736, -0.331264, 0.5));
  const { values: reddish } = chroma(mix(0.5, -0.418688, -0.081312));
  const size = image.height * image.width;
  const pixels = new Float32Array(3 * size);
  for (let i = 0; i < size; i++) {
    pixels[i] = luma[i]! + 1.402 * reddish[i]!;
    pixels[size + i] = luma[i]! - 0.344136 * bluish[i]! - 0.714136 * reddish[i]!;
    pixels[2 * size + i] = luma[i]! + 1.772 * bluish[i]!;
  }
  return { image, pixels };
}

function scaledTable(table: readonly number[], quality: number): number[] {
  const percent = quality < 50 ? Math.floor(5_000 / quality) : 200 - 2 * quality;
  return table.map((step) => Math.min(255, Math.max(1, Math.floor((step * percent + 50) / 100))));
}

/** Quantises every block; values are in [0, 1] around `centre`, steps in units of 1/255. */
function quantise(plane: Plane, table: readonly number[], centre = 128 / 255): Plane {
  const { height, width } = plane;
  const values = new Float32Array(height * width);
  for (let top = 0; top < height; top += BLOCK) {
    for (let left = 0; left < width; left += BLOCK) {
      const block = Array.from(
        { length: BLOCK * BLOCK },
        (_, i) => (pixelAt(plane, top + Math.floor(i / BLOCK), left + (i % BLOCK), 'nearest') - centre) * 255,
      );
      const kept = transform(block, 'forward').map((value, i) => Math.round(value / table[i]!) * table[i]!);
      transform(kept, 'inverse').forEach((value, i) => {
        const [row, column] = [top + Math.floor(i / BLOCK), left + (i % BLOCK)];
        if (row < height && column < width) values[row * width + column] = value / 255 + centre;
      });
    }
  }
  return { height, width, values };
}

/** C X C^T, or C^T X C for the inverse; [8, 8] row by row. */
function transform(block: readonly number[], direction: 'forward' | 'inverse'): number[] {
  const weight = (k: number, n: number): number => (direction === 'forward' ? COSINES[k]![n]! : COSINES[n]![k]!);
  const once = (values: readonly number[]): number[] =>
    // Transforms columns and transposes, so that twice does both axes.
    Array.from({ length: BLOCK * BLOCK }, (_, i) => {
      const [column, k] = [Math.floor(i / BLOCK), i % BLOCK];
      let sum = 0;
      for (let n = 0; n < BLOCK; n++) sum += weight(k, n) * values[n * BLOCK + column]!;
      return sum;
    });
  return once(once(block));
}

function halved(plane: Plane): Plane {
  return createPlane(Math.ceil(plane.height / 2), Math.ceil(plane.width / 2), (row, column) => {
    const at = (r: number, c: number): number => pixelAt(plane, 2 * row + r, 2 * column + c, 'nearest');
    return (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4;
  });
}

function doubled(plane: Plane, { height, width }: { height: number; width: number }): Plane {
  return createPlane(height, width, (row, column) =>
    valueBetween(plane, (row + 0.5) / 2 - 0.5, (column + 0.5) / 2 - 0.5, 'nearest'),
  );
}
