/** Multi-head attention written from the operations that users have, captured on onnxruntime, against torch.nn.MultiheadAttention. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { attention, captureProgram, elementCount, linear } from '@facet/compiler';
import { compileProgram, createOrtSession, mendGradients } from '@facet/engine';
import { expectClose, storedNumbers, storedTensors } from './stored-numbers.js';

interface Shape {
  readonly batch: number;
  readonly tokens: number;
  readonly width: number;
  readonly heads: number;
}

const { batch, tokens, width, heads } = storedNumbers<Shape>('attention');
const stored = storedTensors('attention');

/** float32 against float64, as a share of the largest number of a tensor. */
const SHARE = 3e-6;

/** As PyTorch names and lays them out: a matrix is [out, in]. */
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  x: [batch, tokens, width],
  in_proj_weight: [3 * width, width],
  in_proj_bias: [3 * width],
  'out_proj.weight': [width, width],
  'out_proj.bias': [width],
};

function multiHeadAttention(values: ReadonlyMap<string, tf.Tensor>, isCausal: boolean): tf.Tensor {
  const rows = batch * tokens;
  const project = (x: tf.Tensor, name: string): tf.Tensor2D => {
    const [weight, bias] = name === 'in' ? ['in_proj_weight', 'in_proj_bias'] : ['out_proj.weight', 'out_proj.bias'];
    return linear(x as tf.Tensor2D, values.get(weight)!.transpose<tf.Tensor2D>(), values.get(bias) as tf.Tensor1D);
  };
  const projected = project(values.get('x')!.reshape([rows, width]), 'in');
  const [query, key, value] = [0, 1, 2].map((part) =>
    projected
      .slice([0, part * width], [rows, width])
      .reshape([batch, tokens, heads, width / heads])
      .transpose<tf.Tensor4D>([0, 2, 1, 3]),
  ) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const later = Array.from({ length: heads * tokens * tokens }, (_, at) =>
    at % tokens > Math.floor(at / tokens) % tokens ? -1e9 : 0,
  );
  const bias = isCausal ? { bias: tf.tensor3d(later, [heads, tokens, tokens]) } : {};
  const mixed = attention({ query, key, value, ...bias });
  return project(mixed.transpose([0, 2, 1, 3]).reshape([rows, width]), 'out').reshape([batch, tokens, width]);
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  mendGradients();
});

it.each(['plain', 'causal'])('%s: answers, and gradients by the input and every weight', async (name) => {
  const names = Object.keys(SHAPES);
  const inputs = Object.entries({ ...SHAPES, cotangent: SHAPES['x']! }).map(([input, shape]) => ({
    name: input,
    shape,
    dtype: 'float32' as const,
  }));
  const captured = await captureProgram({
    name,
    inputs,
    build(tensors) {
      let y: tf.Tensor | undefined;
      const sum = (...given: tf.Tensor[]): tf.Scalar => {
        y = tf.keep(multiHeadAttention(new Map(names.map((of, at) => [of, given[at]!])), name === 'causal'));
        return y.mul(tensors.get('cotangent')!).sum();
      };
      const { grads } = tf.valueAndGrads(sum)(names.map((of) => tensors.get(of)!));
      return { y: y!, ...Object.fromEntries(names.map((of, at) => [`grad:${of}`, grads[at]!])) };
    },
  });
  const program = await compileProgram(captured);
  const session = await createOrtSession(program, { device: 'cpu', threads: 1 });
  const valueOf = (of: string): Float32Array => stored.get(`${name}/${of}`) as Float32Array;
  const results = Object.fromEntries(
    program.outputs.map((output) => [output.name, new Float32Array(elementCount(program.values[output.id]!.shape))]),
  );
  const given = Object.fromEntries(program.inputs.map((input) => [input.name, valueOf(input.name)]));
  try {
    await session.bind(given, results).run();
  } finally {
    await session.close();
  }
  expect(Object.keys(results)).toEqual(['y', ...names.map((of) => `grad:${of}`)]);
  for (const [of, values] of Object.entries(results)) expectClose(values, valueOf(of), SHARE, of);
});
