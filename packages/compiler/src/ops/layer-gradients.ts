/**
 * Gradients that tfjs does not have: of dilated convolutions and of mirrored padding. Every engine uses them. While a program
 * is captured, a dilated convolution is differentiated as it is; tfjs's own kernels know no dilation, so elsewhere zeros are
 * put into the filter, which is the same function.
 */
import * as tf from '@tensorflow/tfjs';
import { CAPTURE_BACKEND } from './backend-name.js';

type Pair = [number, number];

/** What tfjs saves of a convolution. */
interface ConvolutionAttributes {
  readonly strides: number | Pair;
  readonly dilations?: number | Pair | null;
  readonly pad: unknown;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dimRoundingMode?: string;
}

/** Names of the kernels of a kind of convolution. */
interface ConvolutionKernels {
  readonly forward: string;
  readonly byInput: string;
  readonly byFilter: string;
}

type KernelAttributes = Parameters<ReturnType<typeof tf.engine>['runKernel']>[2];

let areRegistered = false;

/** Registers the gradients once per process. Where tfjs has a gradient, it stays. */
export function registerLayerGradients(): void {
  if (areRegistered) return;
  areRegistered = true;
  registerDilated({ forward: 'Conv2D', byInput: 'Conv2DBackpropInput', byFilter: 'Conv2DBackpropFilter' });
  registerDilated({
    forward: 'DepthwiseConv2dNative',
    byInput: 'DepthwiseConv2dNativeBackpropInput',
    byFilter: 'DepthwiseConv2dNativeBackpropFilter',
  });
  tf.registerGradient({
    kernelName: 'MirrorPad',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({
      x: () => unmirrored(dy as tf.Tensor, x!.shape, attrs as unknown as MirrorAttributes),
    }),
  });
}

function registerDilated(kernels: ConvolutionKernels): void {
  const undilated = tf.getGradient(kernels.forward);
  tf.registerGradient({
    ...undilated,
    gradFunc(dy, saved, attrs) {
      const { dilations, ...rest } = attrs as unknown as ConvolutionAttributes;
      const pair: Pair = typeof dilations === 'number' ? [dilations, dilations] : (dilations ?? [1, 1]);
      if (pair[0] === 1 && pair[1] === 1) return undilated.gradFunc(dy, saved, attrs);
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      return dilatedGradient(kernels, { dy: dy as tf.Tensor, x, filter, dilations: pair, attributes: rest });
    },
  });
}

interface DilatedConvolution {
  readonly dy: tf.Tensor;
  readonly x: tf.Tensor4D;
  readonly filter: tf.Tensor4D;
  readonly dilations: Pair;
  readonly attributes: ConvolutionAttributes;
}

function dilatedGradient(
  kernels: ConvolutionKernels,
  convolution: DilatedConvolution,
): Record<'x' | 'filter', () => tf.Tensor> {
  const { dy, x, filter, dilations, attributes } = convolution;
  const run = (kernel: string, inputs: tf.NamedTensorMap, more: object): tf.Tensor =>
    tf.engine().runKernel<tf.Tensor>(kernel, inputs, { ...attributes, ...more } as KernelAttributes);
  if (tf.getBackend() === CAPTURE_BACKEND) {
    return {
      x: () => run(kernels.byInput, { dy, filter }, { dilations, inputShape: x.shape }),
      filter: () => run(kernels.byFilter, { x, dy }, { dilations, filterShape: filter.shape }),
    };
  }
  const one = { dilations: [1, 1] };
  const spread = spreadFilter(filter, dilations);
  return {
    x: () => run(kernels.byInput, { dy, filter: spread }, { ...one, inputShape: x.shape }),
    filter: () => {
      const gradient = run(kernels.byFilter, { x, dy }, { ...one, filterShape: spread.shape });
      return gatherFilter(gradient as tf.Tensor4D, filter.shape, dilations);
    },
  };
}

/** Puts dilation - 1 zeros between the rows and between the columns of a filter. */
function spreadFilter(filter: tf.Tensor4D, [rows, columns]: Pair): tf.Tensor4D {
  const [height, width, inChannels, outChannels] = filter.shape;
  return filter
    .reshape([height, 1, width, 1, inChannels * outChannels])
    .pad([
      [0, 0],
      [0, rows - 1],
      [0, 0],
      [0, columns - 1],
      [0, 0],
    ])
    .reshape<tf.Tensor4D>([height * rows, width * columns, inChannels, outChannels])
    .slice([0, 0, 0, 0], [(height - 1) * rows + 1, (width - 1) * columns + 1, inChannels, outChannels]);
}

/** The adjoint: the places of such a filter that are not between. */
function gatherFilter(gradient: tf.Tensor4D, shape: tf.Tensor4D['shape'], [rows, columns]: Pair): tf.Tensor4D {
  const [height, width, inChannels, outChannels] = shape;
  return gradient
    .pad([
      [0, rows - 1],
      [0, columns - 1],
      [0, 0],
      [0, 0],
    ])
    .reshape([height, rows, width, columns, inChannels * outChannels])
    .slice([0, 0, 0, 0, 0], [height, 1, width, 1, inChannels * outChannels])
    .reshape(shape);
}

interface MirrorAttributes {
  readonly paddings: readonly Pair[];
  readonly mode: 'reflect' | 'symmetric';
}

/** Adds what lies in the border to the elements that it mirrors, axis by axis. */
function unmirrored(dy: tf.Tensor, shape: readonly number[], { paddings, mode }: MirrorAttributes): tf.Tensor {
  /** `reflect` does not repeat the outermost element. */
  const skipped = mode === 'reflect' ? 1 : 0;
  return paddings.reduce((gradient, [before, after], axis) => {
    const size = shape[axis]!;
    const part = (start: number, length: number): tf.Tensor =>
      gradient.slice(
        gradient.shape.map((_, i) => (i === axis ? start : 0)),
        gradient.shape.map((whole, i) => (i === axis ? length : whole)),
      );
    const mirrored = (border: tf.Tensor, first: number): tf.Tensor =>
      tf.pad(
        tf.reverse(border, axis),
        gradient.shape.map((_, i) => (i === axis ? [first, size - first - border.shape[axis]!] : [0, 0])),
      );
    let sum = part(before, size);
    if (before > 0) sum = sum.add(mirrored(part(0, before), skipped));
    if (after > 0) sum = sum.add(mirrored(part(before + size, after), size - skipped - after));
    return sum;
  }, dy);
}
