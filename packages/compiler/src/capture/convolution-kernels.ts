/**
 * Convolutions and their gradients. A convolution is a product of the windows, one row each, with the filter (im2col,
 * Chellapilla et al. 2006). A depthwise convolution is a sum over the places of the window. Images are
 * [batch, height, width, channels], filters [height, width, in, out], as in tfjs.
 */
import * as tf from '@tensorflow/tfjs';
import { TrainingError } from '@facet/shared';
import type { ValueId } from '../program/program.js';
import { attributesOf, type KernelCall, type KernelTable } from './kernel-call.js';
import { NodeMaker } from './node-maker.js';
import { at, padImages, placeAll, windowPlaces, type WindowInfo } from './windows.js';

type Shape4D = [number, number, number, number];

interface ConvolutionAttributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  /** tf.layers say null for none. */
  readonly dilations?: number | [number, number] | null;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

function windowsOf(
  call: KernelCall,
  images: readonly number[],
  filter: readonly number[],
  isDepthwise: boolean,
): WindowInfo {
  const attributes = attributesOf<ConvolutionAttributes>(call);
  const { strides, pad, dataFormat = 'NHWC', dilations, dimRoundingMode } = attributes;
  if (dataFormat !== 'NHWC') {
    throw new TrainingError(
      'CAPTURE_UNSUPPORTED',
      `${call.kernelName} was called with images in the order ${dataFormat}; transpose them to NHWC`,
    );
  }
  const [imageShape, filterShape] = [[...images] as Shape4D, [...filter] as Shape4D];
  return tf.backend_util.computeConv2DInfo(
    imageShape,
    filterShape,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    isDepthwise,
  );
}

/** Every window as a row, [batch * outHeight * outWidth, places * channels]. */
function windowRows(make: NodeMaker, images: ValueId, info: WindowInfo): ValueId {
  const padded = padImages(make, images, info);
  const parts = windowPlaces(info).map((place) => at(make, padded, info, place));
  const { batchSize, outHeight, outWidth, filterHeight, filterWidth, inChannels } = info;
  return make.reshape(make.concat(parts, 3), [
    batchSize * outHeight * outWidth,
    filterHeight * filterWidth * inChannels,
  ]);
}

/** x * filter. */
export function convolve(call: KernelCall): ValueId {
  const make = new NodeMaker(call.builder);
  const [x, filter] = [call.input('x'), call.input('filter')];
  const info = windowsOf(call, make.shapeOf(x), make.shapeOf(filter), false);
  const { filterHeight, filterWidth, inChannels, outChannels } = info;
  const matrix = make.reshape(filter, [filterHeight * filterWidth * inChannels, outChannels]);
  return make.reshape(make.matMul(windowRows(make, x, info), matrix), info.outShape);
}

function convolutionInputGradient(call: KernelCall): ValueId {
  const make = new NodeMaker(call.builder);
  const [dy, filter] = [call.input('dy'), call.input('filter')];
  const { inputShape } = attributesOf<{ inputShape: number[] }>(call);
  const info = windowsOf(call, inputShape, make.shapeOf(filter), false);
  const adjoint = adjointWindows(info);
  return adjoint === undefined ? placedGradient(make, dy, filter, info) : turnedGradient(make, dy, filter, adjoint);
}

/**
 * The windows over dy whose product with the turned filter is the gradient by the input. Undefined where windows are more
 * than one cell apart, because cells of the image then lie in different numbers of windows; and where dy has more channels
 * than the image, because its windows would be the larger copies.
 */
function adjointWindows(info: WindowInfo): WindowInfo | undefined {
  const { padInfo: padding, strideHeight, strideWidth, inHeight, inWidth, outHeight, outWidth } = info;
  const [top, left] = [
    (info.filterHeight - 1) * info.dilationHeight - padding.top,
    (info.filterWidth - 1) * info.dilationWidth - padding.left,
  ];
  const isDense = strideHeight === 1 && strideWidth === 1 && top >= 0 && left >= 0;
  if (!isDense || info.outChannels > info.inChannels) return undefined;
  return {
    ...info,
    ...{ inHeight: outHeight, inWidth: outWidth, inChannels: info.outChannels },
    ...{ outHeight: inHeight, outWidth: inWidth, outChannels: info.inChannels },
    outShape: [info.batchSize, inHeight, inWidth, info.inChannels],
    padInfo: { ...padding, top, left },
  };
}

/** Every window of dy times the filter, turned by half a circle and with its channels exchanged. */
function turnedGradient(make: NodeMaker, dy: ValueId, filter: ValueId, adjoint: WindowInfo): ValueId {
  const { filterHeight, filterWidth, inChannels, outChannels } = adjoint;
  const places = filterHeight * filterWidth;
  const byPlace = make.reshape(filter, [places, outChannels, inChannels]);
  const turned = make.gather(
    byPlace,
    0,
    Array.from({ length: places }, (_, i) => places - 1 - i),
  );
  const matrix = make.reshape(make.transpose(turned, [0, 2, 1]), [places * inChannels, outChannels]);
  return make.reshape(make.matMul(windowRows(make, dy, adjoint), matrix), adjoint.outShape);
}

/** What every window gives to each of its cells, added up where windows overlap. */
function placedGradient(make: NodeMaker, dy: ValueId, filter: ValueId, info: WindowInfo): ValueId {
  const { batchSize, outHeight, outWidth, filterHeight, filterWidth, inChannels, outChannels } = info;
  const rows = batchSize * outHeight * outWidth;
  const matrix = make.reshape(filter, [filterHeight * filterWidth * inChannels, outChannels]);
  const windows = make.matMul(make.reshape(dy, [rows, outChannels]), matrix, false, true);
  const parts = windowPlaces(info).map((_place, i) =>
    make.reshape(make.slice(windows, [0, i * inChannels], [rows, inChannels]), [
      batchSize,
      outHeight,
      outWidth,
      inChannels,
    ]),
  );
  return placeAll(make, parts, info);
}

function convolutionFilterGradient(call: KernelCall): ValueId {
  const make = new NodeMaker(call.builder);
  const [x, dy] = [call.input('x'), call.input('dy')];
  const { filterShape } = attributesOf<{ filterShape: number[] }>(call);
  const info = windowsOf(call, make.shapeOf(x), filterShape, false);
  const { batchSize, outHeight, outWidth, outChannels } = info;
  const columns = make.reshape(dy, [batchSize * outHeight * outWidth, outChannels]);
  const rows = windowRows(make, x, info);
  // The left factor is copied to be turned, so it should be the narrow one.
  const gradient =
    outChannels < make.shapeOf(rows)[1]!
      ? make.transpose(make.matMul(columns, rows, true), [1, 0])
      : make.matMul(rows, columns, true);
  return make.reshape(gradient, filterShape);
}

/** The filter of one place of the window, [channels, multiplier]. */
function filterAt(make: NodeMaker, filter: ValueId, place: number): ValueId {
  const [height, width, channels, multiplier] = make.shapeOf(filter) as Shape4D;
  const places = make.reshape(filter, [height * width, channels, multiplier]);
  return make.reshape(make.slice(places, [place, 0, 0], [1, channels, multiplier]), [channels, multiplier]);
}

/** Each channel with filters of its own: `multiplier` results per channel, [batch, height, width, channels * multiplier]. */
export function convolveDepthwise(call: KernelCall): ValueId {
  const make = new NodeMaker(call.builder);
  const [x, filter] = [call.input('x'), call.input('filter')];
  const info = windowsOf(call, make.shapeOf(x), make.shapeOf(filter), true);
  const padded = padImages(make, x, info);
  const cells = [info.batchSize, info.outHeight, info.outWidth, info.inChannels, 1];
  const terms = windowPlaces(info).map((place, i) =>
    make.mul(make.reshape(at(make, padded, info, place), cells), filterAt(make, filter, i)),
  );
  return make.reshape(make.sum(terms), info.outShape);
}

function depthwiseInputGradient(call: KernelCall): ValueId {
  const make = new NodeMaker(call.builder);
  const [dy, filter] = [call.input('dy'), call.input('filter')];
  const { inputShape } = attributesOf<{ inputShape: number[] }>(call);
  const info = windowsOf(call, inputShape, make.shapeOf(filter), true);
  const { batchSize, outHeight, outWidth, inChannels } = info;
  const multiplier = make.shapeOf(filter)[3]!;
  const results = make.reshape(dy, [batchSize, outHeight, outWidth, inChannels, multiplier]);
  const cells = [batchSize, outHeight, outWidth, inChannels];
  const parts = windowPlaces(info).map((_place, i) => {
    const weighted = make.mul(results, filterAt(make, filter, i));
    const terms = Array.from({ length: multiplier }, (_, m) =>
      make.reshape(make.slice(weighted, [0, 0, 0, 0, m], [...cells, 1]), cells),
    );
    return make.sum(terms);
  });
  return placeAll(make, parts, info);
}

function depthwiseFilterGradient(call: KernelCall): ValueId {
  const make = new NodeMaker(call.builder);
  const [x, dy] = [call.input('x'), call.input('dy')];
  const { filterShape } = attributesOf<{ filterShape: Shape4D }>(call);
  const info = windowsOf(call, make.shapeOf(x), filterShape, true);
  const [, , channels, multiplier] = filterShape;
  const rows = info.batchSize * info.outHeight * info.outWidth;
  const padded = padImages(make, x, info);
  const results = make.reshape(dy, [rows, channels, multiplier]);
  const gradients = windowPlaces(info).map((place) => {
    const cells = make.reshape(at(make, padded, info, place), [rows, channels, 1]);
    const products = make.reshape(make.mul(results, cells), [rows, channels * multiplier]);
    return make.reshape(make.columnSums(products), [1, channels, multiplier]);
  });
  return make.reshape(make.concat(gradients, 0), filterShape);
}

export const convolutionKernels = {
  Conv2D: convolve,
  Conv2DBackpropInput: convolutionInputGradient,
  Conv2DBackpropFilter: convolutionFilterGradient,
  DepthwiseConv2dNative: convolveDepthwise,
  DepthwiseConv2dNativeBackpropInput: depthwiseInputGradient,
  DepthwiseConv2dNativeBackpropFilter: depthwiseFilterGradient,
} satisfies KernelTable;
