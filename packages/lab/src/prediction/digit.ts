/**
 * Makes a picture of a digit look like MNIST: white ink on black, the ink scaled into a box of 20/28 of the picture and
 * placed with its centre of mass in the middle (LeCun et al. 1998, section III.A). A picture that has the model's size
 * already is taken to be such a one and is only inverted when it must be. Pure.
 */
import type { Plane } from './picture.js';
import { resample, type Crop } from './resample.js';

/** The side of the box that ink fills, as a share of the picture. */
const INK_SHARE = 20 / 28;
/** Fainter than this share of the darkest ink is paper, shadow or compression. */
const INK_THRESHOLD = 0.3;
/** Less contrast between ink and background, two of 256 levels, is no drawing. */
const FAINTEST_CONTRAST = 2 / 255;

/** True when the picture's edge is light: ink never reaches all around it, so the edge shows the background. */
export function hasLightBackground(plane: Plane): boolean {
  return edgeMedian(plane) > 0.5;
}

/** White becomes black and black white. */
export function inverted(plane: Plane): Plane {
  return mapped(plane, (value) => 1 - value);
}

/**
 * Scales the ink into its box and centres its mass.
 *
 * @param plane light ink on dark
 * @returns undefined when there is no ink: nothing is lighter than the background
 */
export function centreInk(plane: Plane, size: { readonly width: number; readonly height: number }): Plane | undefined {
  const ink = withoutBackground(plane);
  if (ink === undefined) return undefined;
  const box = inkBox(ink);
  const scale = (INK_SHARE * Math.min(size.width, size.height)) / Math.max(box.width, box.height);
  const centre = centreOfMass(ink, box);
  const [width, height] = [size.width / scale, size.height / scale];
  const crop = { left: centre.x - width / 2, top: centre.y - height / 2, width, height };
  // The crop may reach beyond the picture; one clear pixel around it keeps ink at the edge from running on.
  const framed = withFrame(ink);
  const small = resample(framed, { ...crop, left: crop.left + 1, top: crop.top + 1 }, size);
  // A thin line pales when it is averaged with the paper beside it; the digits of MNIST are never pale.
  const lightest = largestOf(small);
  return mapped(small, (value) => value / lightest);
}

/** Sets the background to 0, be it grey paper full of compression noise, and the lightest ink to 1. */
function withoutBackground(plane: Plane): Plane | undefined {
  const background = edgeMedian(plane);
  const contrast = largestOf(plane) - background;
  if (contrast < FAINTEST_CONTRAST) return undefined;
  return mapped(plane, (value) => Math.max(0, value - background) / contrast);
}

/** The middle value along the edge, where a drawing shows its background. */
function edgeMedian({ width, height, values }: Plane): number {
  const edge = values.filter((_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return row === 0 || row === height - 1 || column === 0 || column === width - 1;
  });
  return edge.sort()[Math.floor(edge.length / 2)]!;
}

function largestOf({ values }: Plane): number {
  return values.reduce((largest, value) => Math.max(largest, value), 0);
}

function mapped({ width, height, values }: Plane, change: (value: number) => number): Plane {
  return { width, height, values: values.map(change) };
}

function inkBox({ width, height, values }: Plane): Crop {
  const [columns, rows] = [new Set<number>(), new Set<number>()];
  values.forEach((value, i) => {
    if (value < INK_THRESHOLD) return;
    columns.add(i % width);
    rows.add(Math.floor(i / width));
  });
  const span = (set: ReadonlySet<number>, end: number): [number, number] => {
    let [first, last] = [end, 0];
    for (const at of set) [first, last] = [Math.min(first, at), Math.max(last, at)];
    return [first, last - first + 1];
  };
  const [left, boxWidth] = span(columns, width);
  const [top, boxHeight] = span(rows, height);
  return { left, top, width: boxWidth, height: boxHeight };
}

function centreOfMass({ width, values }: Plane, box: Crop): { readonly x: number; readonly y: number } {
  let [mass, x, y] = [0, 0, 0];
  for (let row = box.top; row < box.top + box.height; row++) {
    for (let column = box.left; column < box.left + box.width; column++) {
      const value = values[row * width + column]!;
      mass += value;
      x += value * (column + 0.5);
      y += value * (row + 0.5);
    }
  }
  return { x: x / mass, y: y / mass };
}

function withFrame({ width, height, values }: Plane): Plane {
  const framed = new Float32Array((width + 2) * (height + 2));
  for (let row = 0; row < height; row++) {
    framed.set(values.subarray(row * width, (row + 1) * width), (row + 1) * (width + 2) + 1);
  }
  return { width: width + 2, height: height + 2, values: framed };
}
