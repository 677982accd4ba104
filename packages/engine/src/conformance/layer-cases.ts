/**
 * One tiny model for each layer of tf.layers that can be captured. Where tfjs-cpu's own gradient is wrong (padding of an
 * average, bilinear resizing of images that are not square, nearest resizing of a batch) a model keeps clear of it.
 */
import * as tf from '@tensorflow/tfjs';

export interface LayerCase {
  readonly name: string;
  /** Without the batch; one per input of the model. */
  readonly inputs: readonly (readonly number[])[];
  /** Exclusive upper bound of whole-number inputs; absent: real inputs. */
  readonly vocabulary?: number;
  /** Default: 2. */
  readonly batch?: number;
  readonly build: (...inputs: tf.SymbolicTensor[]) => tf.SymbolicTensor;
}

type Layer = tf.layers.Layer;

function chain(name: string, input: readonly number[], layers: () => Layer[], vocabulary?: number): LayerCase {
  return {
    name,
    inputs: [input],
    ...(vocabulary === undefined ? {} : { vocabulary }),
    build: (x) => layers().reduce((y, layer) => layer.apply(y) as tf.SymbolicTensor, x),
  };
}

function merge(name: string, layer: () => Layer): LayerCase {
  return {
    name,
    inputs: [[3], [3]],
    build: (a, b) => {
      const dense = tf.layers.dense({ units: 3 });
      return layer().apply([dense.apply(a) as tf.SymbolicTensor, b]) as tf.SymbolicTensor;
    },
  };
}

const { layers } = tf;
const IMAGE = [5, 6, 2];
const SQUARE = [4, 4, 2];
const conv = (): Layer => layers.conv2d({ filters: 2, kernelSize: 3, padding: 'same' });
const NAMED_ACTIVATIONS = [
  'elu',
  'hardSigmoid',
  'linear',
  'relu',
  'relu6',
  'selu',
  'sigmoid',
  'softmax',
  'softplus',
  'softsign',
  'swish',
  'mish',
  'tanh',
] as const;

export const LAYER_CASES: readonly LayerCase[] = [
  chain('dense, relu', [4], () => [layers.dense({ units: 3, activation: 'relu' })]),
  chain('dense along a sequence', [3, 4], () => [layers.dense({ units: 2 })]),
  ...NAMED_ACTIVATIONS.map((activation) =>
    chain(`activation ${activation}`, [4], () => [layers.dense({ units: 4 }), layers.activation({ activation })]),
  ),
  chain('relu', [4], () => [layers.dense({ units: 4 }), layers.reLU()]),
  chain('relu with a largest value', [4], () => [layers.dense({ units: 4 }), layers.reLU({ maxValue: 1 })]),
  chain('leakyReLU', [4], () => [layers.dense({ units: 4 }), layers.leakyReLU({ alpha: 0.2 })]),
  chain('prelu', [4], () => [layers.dense({ units: 4 }), layers.prelu()]),
  chain('elu', [4], () => [layers.dense({ units: 4 }), layers.elu()]),
  chain('softmax', [4], () => [layers.dense({ units: 4 }), layers.softmax()]),
  chain('layerNormalization', [4], () => [layers.dense({ units: 4 }), layers.layerNormalization()]),
  // The numbers of the suite may be negative, and so the variance: a large epsilon keeps its sum with it positive.
  chain('batchNormalization, frozen', SQUARE, () => [
    conv(),
    layers.batchNormalization({ trainable: false, epsilon: 2 }),
  ]),
  chain('conv1d', [6, 2], () => [layers.conv1d({ filters: 3, kernelSize: 3, strides: 2, padding: 'same' })]),
  chain('conv2d, same, relu', IMAGE, () => [
    layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same', activation: 'relu' }),
  ]),
  chain('conv2d, valid, strides 2', IMAGE, () => [layers.conv2d({ filters: 2, kernelSize: [2, 3], strides: 2 })]),
  chain('conv2d, dilation 2', IMAGE, () => [
    layers.conv2d({ filters: 2, kernelSize: [3, 2], padding: 'same', dilationRate: 2 }),
  ]),
  chain('conv1d, dilation 2', [6, 2], () => [layers.conv1d({ filters: 3, kernelSize: 3, dilationRate: 2 })]),
  chain('separableConv2d, dilation 2', IMAGE, () => [
    layers.separableConv2d({ filters: 3, kernelSize: [2, 3], padding: 'same', dilationRate: 2 }),
  ]),
  chain('depthwiseConv2d', IMAGE, () => [
    layers.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: 'same', depthMultiplier: 2 }),
  ]),
  chain('separableConv2d', IMAGE, () => [layers.separableConv2d({ filters: 3, kernelSize: 3, padding: 'same' })]),
  chain('conv2dTranspose', [2, 3, 2], () => [
    layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: 'same' }),
  ]),
  chain('maxPooling1d', [6, 2], () => [layers.dense({ units: 2 }), layers.maxPooling1d({ poolSize: 2 })]),
  chain('maxPooling2d, same, odd size', IMAGE, () => [
    conv(),
    layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
  ]),
  chain('averagePooling1d', [6, 2], () => [layers.dense({ units: 2 }), layers.averagePooling1d({ poolSize: 2 })]),
  chain('averagePooling2d', SQUARE, () => [conv(), layers.averagePooling2d({ poolSize: 2 })]),
  chain('globalAveragePooling1d', [4, 2], () => [layers.dense({ units: 2 }), layers.globalAveragePooling1d()]),
  chain('globalAveragePooling2d', IMAGE, () => [conv(), layers.globalAveragePooling2d({})]),
  chain('globalMaxPooling1d', [4, 2], () => [layers.dense({ units: 2 }), layers.globalMaxPooling1d()]),
  chain('globalMaxPooling2d', IMAGE, () => [conv(), layers.globalMaxPooling2d({})]),
  chain('flatten', SQUARE, () => [conv(), layers.flatten(), layers.dense({ units: 2 })]),
  chain('reshape, permute', [6], () => [
    layers.dense({ units: 6 }),
    layers.reshape({ targetShape: [2, 3] }),
    layers.permute({ dims: [2, 1] }),
  ]),
  chain('repeatVector, timeDistributed', [3], () => [
    layers.repeatVector({ n: 2 }),
    layers.timeDistributed({ layer: layers.dense({ units: 2 }) }),
  ]),
  chain('zeroPadding2d, cropping2D', SQUARE, () => [
    conv(),
    layers.zeroPadding2d({ padding: [2, 1] }),
    layers.cropping2D({ cropping: [[1, 0], [0, 2]] }), // prettier-ignore
  ]),
  { ...chain('upSampling2d, nearest', IMAGE, () => [conv(), layers.upSampling2d({ size: [2, 3] })]), batch: 1 },
  chain('upSampling2d, bilinear', SQUARE, () => [
    conv(),
    layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' }),
  ]),
  chain('dropout', SQUARE, () => [conv(), layers.dropout({ rate: 0.25 })]),
  chain('dropout of whole channels', SQUARE, () => [
    conv(),
    layers.dropout({ rate: 0.25, noiseShape: [null, 1, 1, null] as unknown as number[] }),
  ]),
  chain('spatialDropout1d', [4, 2], () => [layers.dense({ units: 3 }), layers.spatialDropout1d({ rate: 0.5 })]),
  chain('gaussianDropout', [4], () => [layers.dense({ units: 3 }), layers.gaussianDropout({ rate: 0.5 })]),
  chain('gaussianNoise', [4], () => [layers.gaussianNoise({ stddev: 0.5 }), layers.dense({ units: 3 })]),
  chain('embedding', [4], () => [layers.embedding({ inputDim: 5, outputDim: 3 })], 5),
  chain('simpleRNN', [3, 2], () => [layers.simpleRNN({ units: 3 })]),
  chain('gru', [3, 2], () => [layers.gru({ units: 3, returnSequences: true })]),
  chain('lstm', [3, 2], () => [layers.lstm({ units: 3 })]),
  chain(
    'bidirectional lstm after an embedding',
    [3],
    () => [
      layers.embedding({ inputDim: 5, outputDim: 2 }),
      layers.bidirectional({ layer: layers.lstm({ units: 2 }), mergeMode: 'concat' }),
    ],
    5,
  ),
  merge('add', () => layers.add()),
  merge('average', () => layers.average()),
  merge('concatenate', () => layers.concatenate()),
  merge('maximum', () => layers.maximum()),
  merge('minimum', () => layers.minimum()),
  merge('multiply', () => layers.multiply()),
];
