/**
 * Pooling over windows of images [batch, height, width, channels], and its gradients. Padding never counts: a maximum
 * passes over it, and an average divides by the elements that lie inside the image. If several elements of a window are
 * the maximum, the whole gradient goes to the first of them, row by row, as in PyTorch and tfjs.
 */
import * as tf from '@tensorflow/tfjs';
import type { ValueId } from '../program/program.js';
import { attributesOf, type KernelCall, type KernelTable } from './kernel-call.js';
import { NodeMaker } from './node-maker.js';
import { at, padImages, placeAll, windowPlaces, type WindowInfo } from './windows.js';

/** The lowest finite float32: padding for a maximum. WGSL promises nothing about infinities. */
const LOWEST = -3.4028234663852886e38;

function windowsOf(call: KernelCall, images: readonly number[]): WindowInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attributesOf<{
    filterSize: number | [number, number];
    strides: number | [number, number];
    pad: 'valid' | 'same' | number;
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
  }>(call);
  const shape = [...images] as [number, number, number, number];
  return tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
}

function windowParts(make: NodeMaker, x: ValueId, info: WindowInfo, padding: number): ValueId[] {
  const padded = padImages(make, x, info, padding);
  return windowPlaces(info).map((place) => at(make, padded, info, place));
}

/** How many elements of every window lie inside the image, [outHeight, outWidth, 1]. */
function insideCounts(info: WindowInfo): Float32Array {
  const along = (out: number, stride: number, filter: number, before: number, size: number): number[] =>
    Array.from({ length: out }, (_, i) => {
      const start = i * stride - before;
      return Math.min(start + filter, size) - Math.max(start, 0);
    });
  const { padInfo: padding } = info;
  const rows = along(info.outHeight, info.strideHeight, info.filterHeight, padding.top, info.inHeight);
  const columns = along(info.outWidth, info.strideWidth, info.filterWidth, padding.left, info.inWidth);
  return Float32Array.from(rows.flatMap((height) => columns.map((width) => height * width)));
}

function divideByCounts(make: NodeMaker, x: ValueId, info: WindowInfo): ValueId {
  return make.binary('div', x, make.constant([info.outHeight, info.outWidth, 1], insideCounts(info)));
}

function largestOf(make: NodeMaker, parts: readonly ValueId[]): ValueId {
  return parts.reduce((largest, part) => make.binary('maximum', largest, part));
}

export const poolingKernels = {
  MaxPool(call) {
    const make = new NodeMaker(call.builder);
    const x = call.input('x');
    const parts = windowParts(make, x, windowsOf(call, make.shapeOf(x)), LOWEST);
    return largestOf(make, parts);
  },
  MaxPoolGrad(call) {
    const make = new NodeMaker(call.builder);
    const [dy, x] = [call.input('dy'), call.input('input')];
    const info = windowsOf(call, make.shapeOf(x));
    const cells = windowParts(make, x, info, LOWEST);
    const largest = largestOf(make, cells);
    const none = make.scalar(0);
    // What no place before has taken; the last place takes what is left.
    let rest = dy;
    const parts = cells.map((cell, i) => {
      if (i === cells.length - 1) return rest;
      const isLargest = make.binary('equal', cell, largest);
      const part = make.select(isLargest, rest, none);
      rest = make.select(isLargest, none, rest);
      return part;
    });
    return placeAll(make, parts, info);
  },
  AvgPool(call) {
    const make = new NodeMaker(call.builder);
    const x = call.input('x');
    const info = windowsOf(call, make.shapeOf(x));
    return divideByCounts(make, make.sum(windowParts(make, x, info, 0)), info);
  },
  AvgPoolGrad(call) {
    const make = new NodeMaker(call.builder);
    const [dy, x] = [call.input('dy'), call.input('input')];
    const info = windowsOf(call, make.shapeOf(x));
    const share = divideByCounts(make, dy, info);
    return placeAll(
      make,
      windowPlaces(info).map(() => share),
      info,
    );
  },
} satisfies KernelTable;
