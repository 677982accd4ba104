/**
 * A plain vision transformer in tfjs, the same as bench/peers/vit.py: patches through one linear layer, pre-norm blocks of
 * attention and MLP with GELU, mean pooling. It has no views and serves only to compare engines.
 */
import * as tf from '@tensorflow/tfjs';
import { randomKey, randomStream } from '@facet/shared';
import {
  attention,
  captureProgram,
  crossEntropy,
  elementCount,
  gelu,
  layerNorm,
  linear,
  lower,
  optimise,
  type Program,
} from '@facet/compiler';
import type { VitConfig } from './vit-config.js';

const CLASSES = 10;
const MLP_RATIO = 2;

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Parameter name -> shape, in order. */
export function parameterShapes({ width, depth, tokens, patch }: VitConfig): Shapes {
  const blocks = Array.from({ length: depth }, (_, block) =>
    Object.entries({
      'norm1.g': [width],
      'norm1.b': [width],
      'qkv.w': [width, 3 * width],
      'qkv.b': [3 * width],
      'out.w': [width, width],
      'out.b': [width],
      'norm2.g': [width],
      'norm2.b': [width],
      'mlp1.w': [width, MLP_RATIO * width],
      'mlp1.b': [MLP_RATIO * width],
      'mlp2.w': [MLP_RATIO * width, width],
      'mlp2.b': [width],
    }).map(([name, shape]) => [`${block}.${name}`, shape] as const),
  );
  return {
    'embed.w': [patch, width],
    'embed.b': [width],
    position: [tokens, width],
    ...Object.fromEntries(blocks.flat()),
    'norm.g': [width],
    'norm.b': [width],
    'head.w': [width, CLASSES],
    'head.b': [CLASSES],
  };
}

/** Floating-point operations of the products of one image, forward and backward (three times the forward pass). */
export function flopsPerImage({ width, depth, tokens, patch }: VitConfig): number {
  const perBlock = tokens * width * width * (4 + 2 * MLP_RATIO) + 2 * tokens * tokens * width;
  return 3 * 2 * (tokens * patch * width + depth * perBlock + width * CLASSES);
}

type Tensors = ReadonlyMap<string, tf.Tensor>;

/** Logits [batch, classes] of patches [batch, tokens, patch]. */
function forward(config: VitConfig, parameters: Tensors, patches: tf.Tensor): tf.Tensor2D {
  const { width, depth, heads, tokens } = config;
  const matrix = (name: string): tf.Tensor2D => parameters.get(name) as tf.Tensor2D;
  const vector = (name: string): tf.Tensor1D => parameters.get(name) as tf.Tensor1D;
  const layer = (x: tf.Tensor2D, name: string): tf.Tensor2D => linear(x, matrix(`${name}.w`), vector(`${name}.b`));
  const norm = (x: tf.Tensor2D, name: string): tf.Tensor2D => layerNorm(x, vector(`${name}.g`), vector(`${name}.b`));
  const batch = patches.shape[0];
  const rows = batch * tokens;
  const headWidth = width / heads;
  let z = layer(patches.reshape([rows, config.patch]), 'embed')
    .reshape([batch, tokens, width])
    .add(matrix('position'))
    .reshape<tf.Tensor2D>([rows, width]);
  for (let b = 0; b < depth; b++) {
    const [query, key, value] = layer(norm(z, `${b}.norm1`), `${b}.qkv`)
      .reshape([batch, tokens, 3, heads, headWidth])
      .transpose([2, 0, 3, 1, 4])
      .unstack() as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
    const mixed = attention({ query, key, value }).transpose([0, 2, 1, 3]).reshape<tf.Tensor2D>([rows, width]);
    z = z.add(layer(mixed, `${b}.out`));
    z = z.add(layer(gelu(layer(norm(z, `${b}.norm2`), `${b}.mlp1`)), `${b}.mlp2`));
  }
  const pooled = norm(z, 'norm').reshape([batch, tokens, width]).mean<tf.Tensor2D>(1);
  return layer(pooled, 'head');
}

/** `loss` and `grad:NAME` of every parameter for one micro-batch, from tensors by name; runs on any tfjs backend. */
export function lossAndGradients(config: VitConfig, tensors: Tensors): Record<string, tf.Tensor> & { loss: tf.Scalar } {
  const names = Object.keys(parameterShapes(config));
  const patches = tensors.get('patches')!;
  const loss = (...values: tf.Tensor[]): tf.Scalar =>
    crossEntropy({
      logits: forward(config, new Map(names.map((name, i) => [name, values[i]!])), patches),
      targets: tensors.get('targets') as tf.Tensor2D,
      labelSmoothing: 0,
    }).sum();
  const { value, grads } = tf.valueAndGrads(loss)(names.map((name) => tensors.get(name)!));
  return { ...Object.fromEntries(names.map((name, i) => [`grad:${name}`, grads[i]!])), loss: value };
}

/** Every input of the function with its shape: parameters, patches, targets. */
export function inputShapes(config: VitConfig, batch: number): Shapes {
  return { ...parameterShapes(config), patches: [batch, config.tokens, config.patch], targets: [batch, CLASSES] };
}

/** The captured and optimised program for one micro-batch size. */
export async function captureVit(config: VitConfig, batch: number): Promise<Program> {
  const inputs = Object.entries(inputShapes(config, batch)).map(([name, shape]) => ({
    name,
    shape,
    dtype: 'float32' as const,
  }));
  const program = await captureProgram({ name: 'vit', inputs, build: (tensors) => lossAndGradients(config, tensors) });
  return optimise(await lower(program));
}

/** The same inputs in every process: small normal weights, gains of one, normal patches, a label per image. */
export function inputValues(config: VitConfig, batch: number): Record<string, Float32Array> {
  return Object.fromEntries(
    Object.entries(inputShapes(config, batch)).map(([name, shape], index) => {
      const stream = randomStream(randomKey('initialisation', 1, index));
      const values = new Float32Array(elementCount(shape));
      if (name === 'targets') for (let i = 0; i < batch; i++) values[i * CLASSES + stream.nextBelow(CLASSES)] = 1;
      else if (name.endsWith('.g')) values.fill(1);
      else for (let i = 0; i < values.length; i++) values[i] = stream.nextNormal() * (name === 'patches' ? 1 : 0.05);
      return [name, values];
    }),
  );
}
