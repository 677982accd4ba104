/**
 * Random numbers of layers. A program computes the same for the same inputs, so what a layer draws at random becomes an
 * input: the layer says what it needs, whoever runs the program fills it, and the layer multiplies or adds it.
 */
import type * as tf from '@tensorflow/tfjs';
import { TrainingError } from '@facet/shared';

/** Random numbers that a model needs for every sample, fresh for each sample and epoch. */
export type Noise = NoiseKind & {
  /** Of one sample. */
  readonly shape: readonly number[];
};

type NoiseKind =
  /** 0 with probability `rate`, else 1 / (1 - rate); 1 outside of training. */
  | { readonly kind: 'dropout'; readonly rate: number }
  /** Normal numbers; the mean outside of training. */
  | { readonly kind: 'normal'; readonly mean: number; readonly stddev: number };

type Layer = tf.layers.Layer;

/** What these layers hold. tfjs declares it in subclasses. */
interface NoiseParts {
  readonly rate?: number;
  readonly stddev?: number;
  readonly noiseShape?: readonly (number | null)[] | null;
  readonly inboundNodes: readonly { readonly inputShapes: readonly (readonly (number | null)[])[] }[];
}

interface NoiseLayer {
  readonly kindOf: (parts: NoiseParts) => NoiseKind;
  readonly apply: (x: tf.Tensor, noise: tf.Tensor) => tf.Tensor;
}

const dropout: NoiseLayer = {
  kindOf: ({ rate = 0 }) => ({ kind: 'dropout', rate }),
  apply: (x, noise) => x.mul(noise),
};

const NOISE_LAYERS: Readonly<Record<string, NoiseLayer>> = {
  Dropout: dropout,
  SpatialDropout1D: dropout,
  GaussianDropout: {
    kindOf: ({ rate = 0 }) => ({ kind: 'normal', mean: 1, stddev: Math.sqrt(rate / (1 - rate)) }),
    apply: (x, noise) => x.mul(noise),
  },
  GaussianNoise: {
    kindOf: ({ stddev = 0 }) => ({ kind: 'normal', mean: 0, stddev }),
    apply: (x, noise) => x.add(noise),
  },
};

const refuse = (layer: Layer, reason: string): never => {
  throw new TrainingError('CAPTURE_UNSUPPORTED', `the layer ${layer.name} (${layer.getClassName()}) ${reason}`);
};

/** Whether a layer draws random numbers that can be an input. One that is switched off draws none. */
export function isNoisy(layer: Layer): boolean {
  const found = NOISE_LAYERS[layer.getClassName()];
  if (found === undefined) return false;
  const kind = found.kindOf(layer as unknown as NoiseParts);
  return kind.kind === 'dropout' ? kind.rate > 0 : kind.stddev > 0;
}

/**
 * What a layer draws for each sample.
 *
 * @throws TrainingError CAPTURE_UNSUPPORTED when its rate drops everything, or the shape of what it gets is not known.
 */
export function noiseOf(layer: Layer): Noise {
  const parts = layer as unknown as NoiseParts;
  const kind = NOISE_LAYERS[layer.getClassName()]!.kindOf(parts);
  const { rate = 0 } = parts;
  if (!(rate < 1)) refuse(layer, `drops everything: its rate is ${rate}, expected less than 1`);
  const [input] = parts.inboundNodes.map(({ inputShapes }) => inputShapes[0]!.slice(1));
  if (input === undefined) {
    refuse(layer, 'is within another layer, so that the shape of what it gets is not known; put it beside that layer');
  }
  const isAlongSequence = layer.getClassName() === 'SpatialDropout1D';
  const sizes = isAlongSequence ? [1, input![1]!] : (parts.noiseShape?.slice(1) ?? input!);
  const shape = sizes.map((size, axis) => size ?? input![axis]);
  if (shape.every((size) => typeof size === 'number')) return { ...kind, shape };
  return refuse(layer, `gets a tensor [${input!.join(', ')}] for each sample, of which sizes are not known; give them`);
}

/**
 * What a layer computes with its random numbers instead of drawing its own.
 *
 * @param noise [batch, ...]; undefined where the layer is switched off
 */
export function applyNoise(layer: Layer, x: tf.Tensor, noise: tf.Tensor | undefined): tf.Tensor {
  return noise === undefined ? x : NOISE_LAYERS[layer.getClassName()]!.apply(x, noise);
}

/** Classes of layers whose random numbers become inputs. */
export const NOISY_LAYERS: readonly string[] = Object.keys(NOISE_LAYERS);
