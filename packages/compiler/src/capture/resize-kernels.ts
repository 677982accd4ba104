/**
 * Resizing of images [batch, height, width, channels]. Every resizing here is linear and separable: a product with one
 * constant matrix per axis. Its gradient is the product with the transposed matrices.
 */
import { attributesOf, type KernelCall, type KernelTable } from './kernel-call.js';
import type { ValueId } from '../program/program.js';
import { NodeMaker } from './node-maker.js';

type Shape4D = readonly [number, number, number, number];

interface ResizeAttributes {
  readonly alignCorners: boolean;
  readonly halfPixelCenters?: boolean;
}

/** What each of `to` results takes from each of `from` elements, [to, from]. */
type Weights = (from: number, to: number, attributes: ResizeAttributes) => Float32Array;

/** The place in the source of a result, in elements; may lie outside for half-pixel centres. */
function sourcePlace(
  i: number,
  from: number,
  to: number,
  { alignCorners, halfPixelCenters }: ResizeAttributes,
): number {
  const scale = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  return halfPixelCenters === true ? scale * (i + 0.5) : scale * i;
}

const nearest: Weights = (from, to, attributes) => {
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const place = sourcePlace(i, from, to, attributes);
    const index = attributes.alignCorners ? Math.round(place) : Math.floor(place);
    weights[i * from + Math.max(0, Math.min(from - 1, index))] = 1;
  }
  return weights;
};

const linear: Weights = (from, to, attributes) => {
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const place = sourcePlace(i, from, to, attributes) - (attributes.halfPixelCenters === true ? 0.5 : 0);
    const low = Math.max(0, Math.floor(place));
    const high = Math.min(from - 1, Math.ceil(place));
    weights[i * from + low]! += 1 - (place - low);
    weights[i * from + high]! += place - low;
  }
  return weights;
};

/** Images times a matrix per axis; transposed, from results back to the source. */
function resizeBy(make: NodeMaker, images: ValueId, weights: readonly [ValueId, ValueId], isTransposed: boolean) {
  const [rows, columns] = weights;
  const [batch, height, width, channels] = make.shapeOf(images) as Shape4D;
  const tall = make.matMul(rows, make.reshape(images, [batch, height, width * channels]), isTransposed);
  const newHeight = make.shapeOf(tall)[1]!;
  const wide = make.matMul(columns, make.reshape(tall, [batch * newHeight, width, channels]), isTransposed);
  return make.reshape(wide, [batch, newHeight, make.shapeOf(wide)[1]!, channels]);
}

function weightsOf(
  make: NodeMaker,
  call: KernelCall,
  weigh: Weights,
  [, height, width]: Shape4D,
  size: readonly [number, number],
): [ValueId, ValueId] {
  const attributes = attributesOf<ResizeAttributes>(call);
  return [
    make.constant([1, size[0], height], weigh(height, size[0], attributes)),
    make.constant([1, size[1], width], weigh(width, size[1], attributes)),
  ];
}

const resize = (weigh: Weights) => (call: KernelCall) => {
  const make = new NodeMaker(call.builder);
  const images = call.input('images');
  const { size } = attributesOf<{ size: [number, number] }>(call);
  return resizeBy(make, images, weightsOf(make, call, weigh, make.shapeOf(images) as unknown as Shape4D, size), false);
};

const resizeGradient = (weigh: Weights) => (call: KernelCall) => {
  const make = new NodeMaker(call.builder);
  const [images, dy] = [call.input('images'), call.input('dy')];
  const [, height, width] = make.shapeOf(dy) as unknown as Shape4D;
  const shape = make.shapeOf(images) as unknown as Shape4D;
  return resizeBy(make, dy, weightsOf(make, call, weigh, shape, [height, width]), true);
};

export const resizeKernels = {
  ResizeNearestNeighbor: resize(nearest),
  ResizeNearestNeighborGrad: resizeGradient(nearest),
  ResizeBilinear: resize(linear),
  ResizeBilinearGrad: resizeGradient(linear),
} satisfies KernelTable;
