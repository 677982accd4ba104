/**
 * The windows of a convolution or pooling over images [batch, height, width, channels]. `at` reads, for one place in the
 * window, the element of every window there; `place` is its adjoint and writes back. Both are copies, so a convolution is
 * these and one matrix product, on every engine and in one order of its sums.
 */
import type * as tf from '@tensorflow/tfjs';
import type { ValueId } from '../program/program.js';
import type { NodeMaker } from './node-maker.js';

export type WindowInfo = tf.backend_util.Conv2DInfo;

/** A place in a window, from the top left. */
export interface WindowPlace {
  readonly row: number;
  readonly column: number;
}

/** The places of a window, row by row. */
export function windowPlaces({ filterHeight, filterWidth }: WindowInfo): WindowPlace[] {
  return Array.from({ length: filterHeight * filterWidth }, (_, i) => ({
    row: Math.floor(i / filterWidth),
    column: i % filterWidth,
  }));
}

/** Height and width that all windows together cover, padding included, and at least the padded image. */
function paddedSize(info: WindowInfo): [number, number] {
  const reach = (out: number, stride: number, filter: number, dilation: number): number =>
    (out - 1) * stride + (filter - 1) * dilation + 1;
  const { padInfo: padding } = info;
  return [
    Math.max(
      reach(info.outHeight, info.strideHeight, info.filterHeight, info.dilationHeight),
      info.inHeight + padding.top,
    ),
    Math.max(reach(info.outWidth, info.strideWidth, info.filterWidth, info.dilationWidth), info.inWidth + padding.left),
  ];
}

/** Pads images so that every window lies inside. */
export function padImages(make: NodeMaker, images: ValueId, info: WindowInfo, value = 0): ValueId {
  const [height, width] = paddedSize(info);
  const { top, left } = info.padInfo;
  return make.pad(images, [0, top, left, 0], [0, height - info.inHeight - top, width - info.inWidth - left, 0], value);
}

/** The elements of padded images at one place of every window, [batch, outHeight, outWidth, channels]. */
export function at(make: NodeMaker, padded: ValueId, info: WindowInfo, { row, column }: WindowPlace): ValueId {
  const [batch, , , channels] = make.shapeOf(padded) as [number, number, number, number];
  return make.slice(
    padded,
    [0, row * info.dilationHeight, column * info.dilationWidth, 0],
    [batch, info.outHeight, info.outWidth, channels],
    [1, info.strideHeight, info.strideWidth, 1],
  );
}

/**
 * The adjoint of `padImages` and `at` for all places: the sum of what each place of each window gives to the image,
 * [batch, inHeight, inWidth, channels].
 *
 * @param parts One value [batch, outHeight, outWidth, channels] per place of `windowPlaces`.
 */
export function placeAll(make: NodeMaker, parts: readonly ValueId[], info: WindowInfo): ValueId {
  if (tilesImage(info)) return interleave(make, parts, info);
  const [height, width] = paddedSize(info);
  const placed = windowPlaces(info).map(({ row, column }, i) => {
    const apart = spread(make, parts[i]!, info);
    const [, rows, columns] = make.shapeOf(apart) as [number, number, number, number];
    const [top, left] = [row * info.dilationHeight, column * info.dilationWidth];
    return make.pad(apart, [0, top, left, 0], [0, height - rows - top, width - columns - left, 0]);
  });
  const sum = make.sum(placed);
  const [batch, , , channels] = make.shapeOf(sum) as [number, number, number, number];
  return make.slice(sum, [0, info.padInfo.top, info.padInfo.left, 0], [batch, info.inHeight, info.inWidth, channels]);
}

/** Whether every cell of the image lies in exactly one window. */
function tilesImage(info: WindowInfo): boolean {
  const { padInfo: padding } = info;
  const isTiled = (
    size: number,
    out: number,
    stride: number,
    filter: number,
    before: number,
    dilation: number,
  ): boolean => size === out * stride && filter === stride && before === 0 && (dilation === 1 || filter === 1);
  return (
    isTiled(info.inHeight, info.outHeight, info.strideHeight, info.filterHeight, padding.top, info.dilationHeight) &&
    isTiled(info.inWidth, info.outWidth, info.strideWidth, info.filterWidth, padding.left, info.dilationWidth)
  );
}

/** `placeAll` for windows that tile the image: the parts of each window lie side by side, and nothing is added. */
function interleave(make: NodeMaker, parts: readonly ValueId[], info: WindowInfo): ValueId {
  const { batchSize, outHeight, filterHeight, filterWidth, inWidth, inHeight } = info;
  const channels = make.shapeOf(parts[0]!)[3]!;
  const lines = Array.from({ length: filterHeight }, (_, row) => {
    const line = make.concat(parts.slice(row * filterWidth, (row + 1) * filterWidth), 3);
    return make.reshape(line, [batchSize, outHeight, 1, inWidth * channels]);
  });
  return make.reshape(make.concat(lines, 2), [batchSize, inHeight, inWidth, channels]);
}

/** Puts stride - 1 zeros between rows and between columns. */
function spread(make: NodeMaker, x: ValueId, { strideHeight, strideWidth }: WindowInfo): ValueId {
  if (strideHeight === 1 && strideWidth === 1) return x;
  const [batch, rows, columns, channels] = make.shapeOf(x) as [number, number, number, number];
  const cells = make.reshape(x, [batch, rows, 1, columns, channels]);
  const filled = make.pad(cells, [0, 0, 0, 0, 0], [0, 0, strideHeight - 1, 0, (strideWidth - 1) * channels]);
  const whole = make.reshape(filled, [batch, rows * strideHeight, columns * strideWidth, channels]);
  return make.slice(
    whole,
    [0, 0, 0, 0],
    [batch, (rows - 1) * strideHeight + 1, (columns - 1) * strideWidth + 1, channels],
  );
}
