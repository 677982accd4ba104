/**
 * A tf.LayersModel as a function of its weights, so that it can be captured and differentiated by them like any other
 * function. The model keeps its own weights: for the time of a call, its layers read the given tensors instead.
 */
import type * as tf from '@tensorflow/tfjs';
import { TrainingError } from '@facet/shared';
import { applyNoise, isNoisy, NOISY_LAYERS, noiseOf, type Noise } from './layer-noise.js';
import { REFUSED_LAYERS } from './layer-support.js';

type Layer = tf.layers.Layer;

export interface LayerWeight {
  /** As tf.layers names it: `dense_Dense1/kernel`. Give layers names, and it is the same in every process. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Whether a gradient is taken for it. */
  readonly isTrainable: boolean;
}

/** What of a layer reads other layers, or says how it computes. tfjs declares these fields in subclasses. */
interface LayerParts {
  readonly layers?: readonly Layer[];
  readonly layer?: Layer;
  readonly forwardLayer?: Layer;
  readonly backwardLayer?: Layer;
  readonly cell?: Layer & { readonly dropout?: number; readonly recurrentDropout?: number };
  readonly stateful?: boolean;
  readonly dilationRate?: readonly number[];
}

/** A layer and all layers in it. */
function layersWithin(layer: Layer): Layer[] {
  const { layers = [], layer: wrapped, forwardLayer, backwardLayer, cell } = layer as unknown as LayerParts;
  const inner = [...layers, wrapped, forwardLayer, backwardLayer, cell].filter((part) => part !== undefined);
  return [layer, ...inner.flatMap(layersWithin)];
}

/**
 * The weights of a model, in its order.
 *
 * @throws TrainingError CAPTURE_UNSUPPORTED when the model has a layer that cannot be captured, or two weights of one name.
 */
export function layerWeights(model: tf.LayersModel): LayerWeight[] {
  for (const layer of layersWithin(model)) requireCapturable(layer);
  const trainable = new Set(model.trainableWeights);
  const names = new Set<string>();
  return model.weights.map((weight) => {
    const { originalName: name, shape } = weight;
    if (names.has(name)) {
      throw new TrainingError(
        'CAPTURE_UNSUPPORTED',
        `the model has two weights named ${name}; give every layer a name of its own`,
      );
    }
    names.add(name);
    return { name, shape: shape.map((size) => size!), isTrainable: trainable.has(weight) };
  });
}

/**
 * What the layers of a model draw at random, in its order. Layers that are switched off (a rate of 0) draw nothing.
 *
 * @throws TrainingError CAPTURE_UNSUPPORTED when the shape of what one draws is not known.
 */
export function layerNoise(model: tf.LayersModel): Noise[] {
  return noisyLayers(model).map(noiseOf);
}

/** Each once, in the order of the model. */
function noisyLayers(model: tf.LayersModel): Layer[] {
  return [...new Set(layersWithin(model))].filter(isNoisy);
}

function requireCapturable(layer: Layer): void {
  const refuse = (reason: string): never => {
    throw new TrainingError(
      'CAPTURE_UNSUPPORTED',
      `the layer ${layer.name} (${layer.getClassName()}) cannot be captured: ${reason}`,
    );
  };
  const reason = REFUSED_LAYERS[layer.getClassName()];
  if (reason !== undefined && !isFrozenNorm(layer)) refuse(reason);
  const { stateful, cell, dilationRate = [] } = layer as unknown as LayerParts;
  if (layer.getClassName() === 'DepthwiseConv2D' && dilationRate.some((rate) => rate !== 1)) {
    refuse('tf.layers ignores its dilationRate; use separableConv2d, or a layer of your own with tf.depthwiseConv2d');
  }
  if (stateful === true) refuse('it keeps a state between batches; build it with stateful: false');
  if ((cell?.dropout ?? 0) > 0 || (cell?.recurrentDropout ?? 0) > 0) {
    refuse('it drops units at random; build it with dropout: 0 and recurrentDropout: 0, and augment the data');
  }
}

/**
 * Calls a model with given weights. It may be captured and differentiated, and runs eagerly as well.
 *
 * @param weights One tensor per entry of `layerWeights`, by name.
 * @param inputs [batch, ...] each; one tensor per input of the model.
 * @param noise One tensor [batch, ...] per entry of `layerNoise`. Absent: as outside of training, without any.
 * @returns The outputs of the model, [batch, ...] each.
 * @throws TrainingError CAPTURE_UNSUPPORTED when a layer cannot be captured; it names the layer and the kernel.
 */
export function applyLayers(
  model: tf.LayersModel,
  weights: ReadonlyMap<string, tf.Tensor>,
  inputs: readonly tf.Tensor[],
  noise?: readonly tf.Tensor[],
): tf.Tensor[] {
  for (const layer of layersWithin(model)) requireCapturable(layer);
  const replaced: (() => void)[] = [];
  try {
    for (const weight of model.weights) {
      const tensor = weights.get(weight.originalName);
      if (tensor === undefined || tensor.shape.join() !== weight.shape.join()) {
        const actual = tensor === undefined ? 'none' : `[${tensor.shape.join(', ')}]`;
        throw new TrainingError(
          'CAPTURE_UNSUPPORTED',
          `the weight ${weight.originalName} needs a tensor [${weight.shape.join(', ')}], got ${actual}`,
        );
      }
      replaced.push(replaceMethod(weight, 'read', () => () => tensor));
    }
    const noisy = noisyLayers(model);
    for (const layer of new Set(layersWithin(model))) {
      if (NOISY_LAYERS.includes(layer.getClassName())) {
        replaced.push(replaceNoise(layer, noise?.[noisy.indexOf(layer)]));
      }
      if (isFrozenNorm(layer)) replaced.push(replaceTraining(layer));
      if (isDilated(layer)) replaced.push(replaceDilated(layer));
      replaced.push(nameInErrors(layer));
    }
    const outputs = model.apply([...inputs], { training: true }) as tf.Tensor | tf.Tensor[];
    return Array.isArray(outputs) ? outputs : [outputs];
  } finally {
    for (const restore of replaced.reverse()) restore();
  }
}

/** Shadows a method on one object; the result takes the shadow away. */
function replaceMethod<T extends object, Name extends keyof T>(
  object: T,
  name: Name,
  replacement: (original: T[Name]) => T[Name],
): () => void {
  object[name] = replacement(object[name]);
  return () => {
    Reflect.deleteProperty(object, name);
  };
}

/** Gives a layer its random numbers, for one call. */
function replaceNoise(layer: Layer, noise: tf.Tensor | undefined): () => void {
  let calls = 0;
  return replaceMethod(layer, 'call', () => (inputs) => {
    calls += 1;
    if (noise !== undefined && calls > 1) {
      throw new TrainingError(
        'CAPTURE_UNSUPPORTED',
        'it is used more than once in the model, and would drop the same each time; make a layer for each place',
      );
    }
    return applyNoise(layer, Array.isArray(inputs) ? inputs[0]! : inputs, noise);
  });
}

/** Whether a layer is a batch normalisation that computes with its stored averages and learns nothing. */
function isFrozenNorm(layer: Layer): boolean {
  if (layer.getClassName() !== 'BatchNormalization') return false;
  // Whole models are frozen by their weights. A layer without gain and bias has none to freeze.
  return !layer.trainable || (layer.trainableWeights.length === 0 && layer.weights.length > 2);
}

/** Calls a layer as outside of training. */
function replaceTraining(layer: Layer): () => void {
  return replaceMethod(
    layer,
    'call',
    (original) => (inputs, options) => original.call(layer, inputs, { ...options, training: false }),
  );
}

/** What a convolution of tf.layers holds. tfjs declares it in subclasses. */
interface ConvolutionParts {
  readonly kernel: tf.LayerVariable;
  readonly bias: tf.LayerVariable | null;
  readonly activation: { apply(x: tf.Tensor): tf.Tensor } | null;
  readonly strides: [number, number];
  readonly padding: 'same' | 'valid';
  readonly dataFormat: string;
  readonly dilationRate: [number, number];
}

function isDilated(layer: Layer): boolean {
  if (layer.getClassName() !== 'Conv2D') return false;
  const { dilationRate, dataFormat } = layer as unknown as ConvolutionParts;
  return dataFormat !== 'channelsFirst' && dilationRate.some((rate) => rate !== 1);
}

/** tf.layers call a fused kernel, whose gradient refuses dilation; the convolution alone has one (ops/layer-gradients.ts). */
function replaceDilated(layer: Layer): () => void {
  const { kernel, bias, activation, strides, padding, dilationRate } = layer as unknown as ConvolutionParts;
  return replaceMethod(layer, 'call', () => (inputs) => {
    const x = (Array.isArray(inputs) ? inputs[0]! : inputs) as tf.Tensor4D;
    const y: tf.Tensor = x.conv2d(kernel.read() as tf.Tensor4D, strides, padding, 'NHWC', dilationRate);
    const biased = bias === null ? y : y.add(bias.read());
    return activation === null ? biased : activation.apply(biased);
  });
}

/** Adds the layer's name to an error of capture that its call throws; the innermost layer is named. */
function nameInErrors(layer: Layer): () => void {
  return replaceMethod(layer, 'call', (original) => (inputs, options) => {
    try {
      return original.call(layer, inputs, options);
    } catch (caught) {
      if (!(caught instanceof TrainingError) || caught.message.startsWith('in the layer ')) throw caught;
      const message = `in the layer ${layer.name} (${layer.getClassName()}): ${caught.message}`;
      throw new TrainingError(caught.code, message, { cause: caught });
    }
  });
}
