/**
 * A plain vision transformer in tfjs, the same as bench/peers/vit.py: patches through one linear layer, pre-norm blocks of
 * attention and MLP with GELU, mean pooling. It has no views and serves only to compare engines.
 */
import * as tf from '@tensorflow/tfjs';
import { randomKey, randomStream } from '@facet/shared';
import { captureProgram } from '../../packages/worker/dist/compiler/capture/capture.js';
import { lower } from '../../packages/worker/dist/compiler/capture/lower.js';
import { optimise } from '../../packages/worker/dist/compiler/passes/optimise.js';
import { elementCount } from '../../packages/worker/dist/compiler/program/program.js';
import { attention, crossEntropySum, gelu, layerNorm, linear } from '../../packages/worker/dist/compiler/ops/ops.js';

export const LARGE = { name: 'D 128, 6 layers, 64 tokens', width: 128, depth: 6, heads: 4, tokens: 64, patch: 48 };
export const SMALL = { name: 'D 64, 4 layers, 16 tokens', width: 64, depth: 4, heads: 4, tokens: 16, patch: 48 };
const CLASSES = 10;
const MLP_RATIO = 2;

/** Parameter name -> shape, in order. */
export function parameterShapes({ width, depth, tokens, patch }) {
  const shapes = { 'embed.w': [patch, width], 'embed.b': [width], position: [tokens, width] };
  for (let block = 0; block < depth; block++) {
    for (const [name, shape] of Object.entries({
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
    })) {
      shapes[`${block}.${name}`] = shape;
    }
  }
  return { ...shapes, 'norm.g': [width], 'norm.b': [width], 'head.w': [width, CLASSES], 'head.b': [CLASSES] };
}

/** Floating-point operations of the products of one image, forward and backward (three times the forward pass). */
export function flopsPerImage({ width, depth, tokens, patch }) {
  const perBlock = tokens * width * width * (4 + 2 * MLP_RATIO) + 2 * tokens * tokens * width;
  return 3 * 2 * (tokens * patch * width + depth * perBlock + width * CLASSES);
}

function forward(config, parameters, patches) {
  const { width, depth, heads, tokens } = config;
  const p = (name) => parameters.get(name);
  const batch = patches.shape[0];
  const rows = batch * tokens;
  const headWidth = width / heads;
  let z = linear(patches.reshape([rows, config.patch]), p('embed.w'), p('embed.b'))
    .reshape([batch, tokens, width])
    .add(p('position'))
    .reshape([rows, width]);
  for (let b = 0; b < depth; b++) {
    const normed = layerNorm(z, p(`${b}.norm1.g`), p(`${b}.norm1.b`));
    const [q, k, v] = linear(normed, p(`${b}.qkv.w`), p(`${b}.qkv.b`))
      .reshape([batch, tokens, 3, heads, headWidth])
      .transpose([2, 0, 3, 1, 4])
      .unstack();
    const mixed = attention({ query: q, key: k, value: v }).transpose([0, 2, 1, 3]).reshape([rows, width]);
    z = z.add(linear(mixed, p(`${b}.out.w`), p(`${b}.out.b`)));
    const hidden = gelu(linear(layerNorm(z, p(`${b}.norm2.g`), p(`${b}.norm2.b`)), p(`${b}.mlp1.w`), p(`${b}.mlp1.b`)));
    z = z.add(linear(hidden, p(`${b}.mlp2.w`), p(`${b}.mlp2.b`)));
  }
  const pooled = layerNorm(z, p('norm.g'), p('norm.b')).reshape([batch, tokens, width]).mean(1);
  return linear(pooled, p('head.w'), p('head.b'));
}

/** Loss and gradients of one micro-batch from tensors by name; runs on any tfjs backend. */
export function lossAndGradients(config, tensors) {
  const names = Object.keys(parameterShapes(config));
  const batch = tensors.get('patches').shape[0];
  const loss = (...values) =>
    crossEntropySum({
      logits: forward(config, new Map(names.map((name, i) => [name, values[i]])), tensors.get('patches')),
      targets: tensors.get('targets'),
      sampleWeights: tf.ones([batch]),
      labelSmoothing: 0,
    });
  const { value, grads } = tf.valueAndGrads(loss)(names.map((name) => tensors.get(name)));
  return { loss: value, ...Object.fromEntries(names.map((name, i) => [`grad:${name}`, grads[i]])) };
}

/** Every input of the function with its shape: parameters, patches, targets. */
export function inputShapes(config, batch) {
  return { ...parameterShapes(config), patches: [batch, config.tokens, config.patch], targets: [batch, CLASSES] };
}

/** The captured and optimised program for one micro-batch size. */
export async function captureVit(config, batch) {
  const inputs = Object.entries(inputShapes(config, batch)).map(([name, shape]) => ({ name, shape, dtype: 'float32' }));
  const program = await captureProgram({ name: 'vit', inputs, build: (tensors) => lossAndGradients(config, tensors) });
  return optimise(await lower(program));
}

/** The same inputs in every process: small normal weights, gains of one, normal patches, a label per image. */
export function inputValues(config, batch) {
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
