/** Captured models of tf.layers on onnxruntime: outputs and gradients by every weight, against PyTorch's. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import {
  applyLayers,
  captureProgram,
  elementCount,
  layerNoise,
  layerWeights,
  type ProgramInput,
} from '@facet/compiler';
import { compileProgram, createOrtSession, mendGradients } from '@facet/engine';
import { LAYER_CASES, type LayerCase } from '../packages/engine/src/conformance/layer-cases.js';
import { expectClose, storedNumbers, storedTensors } from './stored-numbers.js';

const { names } = storedNumbers<{ readonly names: readonly string[] }>('layers');
const stored = storedTensors('layers');

/** float32 against float64, as a share of the largest number of a tensor. */
const SHARE = 2e-6;
const BATCH = 2;

beforeAll(async () => {
  await tf.setBackend('cpu');
  mendGradients();
});

it('has numbers for every layer that is captured', () => {
  expect(names).toEqual(LAYER_CASES.map(({ name }) => name));
});

it.each(LAYER_CASES)('$name', async (layerCase) => {
  const { name } = layerCase;
  const { program, variables } = await captureGradients(layerCase);
  const session = await createOrtSession(program, { device: 'cpu', threads: 1 });
  const buffers = (named: typeof program.inputs): Record<string, Float32Array> =>
    Object.fromEntries(
      named.map(({ name: value, id }) => [value, new Float32Array(elementCount(program.values[id]!.shape))]),
    );
  const [inputs, outputs] = [buffers(program.inputs), buffers(program.outputs)];
  for (const [input, buffer] of Object.entries(inputs)) {
    const values = stored.get(`${name}/${input}`);
    expect(values, input).toHaveLength(buffer.length);
    buffer.set(values!);
  }
  try {
    await session.bind(inputs, outputs).run();
  } finally {
    await session.close();
  }
  expectClose(outputs['y0']!, stored.get(`${name}/y0`)!, SHARE, 'y');
  for (let at = 0; at < variables; at++) {
    expectClose(outputs[`grad${at}`]!, stored.get(`${name}/grad${at}`)!, SHARE, `gradient ${at}`);
  }
});

/** Inputs `w0`..., `x0`..., `noise0`... and `cotangent0`; outputs `y0` and `grad0`..., the gradients of sum(y * cotangent). */
async function captureGradients({ name, inputs, batch = BATCH, build }: LayerCase) {
  const symbols = inputs.map((shape) => tf.input({ batchShape: [batch, ...shape] }));
  const model = tf.model({ inputs: symbols, outputs: build(...symbols) });
  const weights = layerWeights(model);
  const list = (prefix: string, shapes: readonly (readonly number[])[]): ProgramInput[] =>
    shapes.map((shape, at) => ({ name: `${prefix}${at}`, shape, dtype: 'float32' }));
  const perSample = (shapes: readonly (readonly number[])[]) => shapes.map((shape) => [batch, ...shape]);
  const named = [
    ...list('w', weights.map(({ shape }) => shape)), // prettier-ignore
    ...list('x', perSample(inputs)),
    ...list('noise', perSample(layerNoise(model).map(({ shape }) => shape))),
    ...list('cotangent', [[batch, ...model.outputs[0]!.shape.slice(1).map((size) => size!)]]),
  ];
  const captured = await captureProgram({
    name,
    inputs: named,
    build(tensors) {
      const all = (prefix: string, count: number): tf.Tensor[] =>
        Array.from({ length: count }, (_, at) => tensors.get(`${prefix}${at}`)!);
      const noise = all('noise', named.filter((input) => input.name.startsWith('noise')).length);
      let y: tf.Tensor | undefined;
      const sum = (...given: tf.Tensor[]): tf.Scalar => {
        const byName = new Map(weights.map((weight, at) => [weight.name, given[at]!]));
        y = tf.keep(applyLayers(model, byName, all('x', inputs.length), noise)[0]!);
        return y.mul(tensors.get('cotangent0')!).sum();
      };
      const { grads } = tf.valueAndGrads(sum)(all('w', weights.length));
      return { y0: y!, ...Object.fromEntries(grads.map((gradient, at) => [`grad${at}`, gradient])) };
    },
  });
  model.dispose();
  return { program: await compileProgram(captured), variables: weights.length };
}
