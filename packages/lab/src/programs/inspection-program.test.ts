/** The inspection program against the same function on tfjs's plain CPU backend, for every way in which a model sees views. */
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { randomKey, randomStream } from '@facet/shared';
import type { ModelConfig } from '@facet/multiview/config';
import { initialWeights, layoutParameters } from '@facet/task';
import { createModel, multiViewTask, type MultiViewShape } from '@facet/multiview';
import type { Program } from '@facet/compiler';
import { captureInspectionProgram, describeInspection } from './inspection-program.js';
import { captureEvaluationProgram, createOrtSession } from '@facet/engine';
import { PROBE_SHAPE } from '../../../multiview/test/probe-shape.js';

const BATCH = 3;
const PIXELS = PROBE_SHAPE.image.height * PROBE_SHAPE.image.width * PROBE_SHAPE.image.channels;

function shapeOf(changes: Partial<ModelConfig>): MultiViewShape {
  const views: ModelConfig['views'] = ['identity', 'zoom-in', 'rotation'];
  return { ...PROBE_SHAPE, microBatch: BATCH, config: { ...PROBE_SHAPE.config, views, ...changes } };
}

type Values = Readonly<Record<string, Float32Array>>;

function inputsOf(shape: MultiViewShape): {
  readonly values: Values;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
} {
  const { slots, ...layout } = layoutParameters(createModel(shape).parameters);
  const stream = randomStream(randomKey('initialisation', 17));
  const weights = initialWeights({ slots, ...layout }, 5).map((weight) => weight + 0.2 * stream.nextNormal());
  const parameters = slots.map(({ name, offset, length }) => [name, weights.slice(offset, offset + length)] as const);
  const images = Float32Array.from({ length: BATCH * PIXELS }, () => stream.nextUniform());
  return {
    values: { ...Object.fromEntries(parameters), images },
    shapes: new Map([...slots.map(({ name, shape: sizes }) => [name, sizes] as const), ['images', [BATCH, PIXELS]]]),
  };
}

async function runProgram(program: Program, inputs: Values): Promise<Values> {
  const outputs = Object.fromEntries(
    program.outputs.map(({ name, id }) => {
      const { shape } = program.values[id]!;
      return [name, new Float32Array(shape.reduce((product, size) => product * size, 1))];
    }),
  );
  const session = await createOrtSession(program, { device: 'cpu', threads: 1 });
  await session.bind(inputs, outputs).run();
  await session.close();
  return outputs;
}

async function runOnTfjs(shape: MultiViewShape): Promise<Values> {
  await tf.setBackend('cpu');
  const { values, shapes } = inputsOf(shape);
  return tf.tidy(() => {
    const tensors = new Map([...shapes].map(([name, sizes]) => [name, tf.tensor(values[name]!, [...sizes])]));
    const outputs = Object.entries(describeInspection(shape).build(tensors));
    return Object.fromEntries(outputs.map(([name, tensor]) => [name, tensor.dataSync<'float32'>()]));
  });
}

it.each<[string, Partial<ModelConfig>]>([
  ['additive injection', {}],
  ['raw weights and a ghosted image', { viewWeights: 'raw', viewNorm: 'sum' }],
  ['uniform weights', { viewWeights: 'uniform' }],
  ['views of the next image', { viewImages: 'shuffled' }],
  ['cross-view attention with a relative bias', { injection: 'cross', relativeBias: true }],
  ['views in the first block only', { injection: 'cross', injectionBlocks: 1, depth: 2 }],
  ['no views', { injection: 'none' }],
])('what is captured is what tfjs computes, with %s', async (_, changes) => {
  const shape = shapeOf(changes);
  const { values } = inputsOf(shape);
  const expected = await runOnTfjs(shape);
  const actual = await runProgram(await captureInspectionProgram(shape), values);
  const viewOutputs = shape.config.injection === 'none' ? [] : ['viewWeights', 'views'];
  expect(Object.keys(actual).sort()).toEqual(['attention', 'logits', 'pooling', ...viewOutputs]);
  for (const [name, output] of Object.entries(actual)) {
    const deviation = Math.max(...output.map((value, i) => Math.abs(value - expected[name]![i]!)));
    expect(deviation, name).toBeLessThan(1e-4);
  }
  const { logits } = await runProgram(await captureEvaluationProgram(multiViewTask(shape)), values);
  expect(Math.max(...logits!.map((logit, i) => Math.abs(logit - actual['logits']![i]!)))).toBeLessThan(1e-5);
});

it('every row of attention, the pooling shares and normalised view weights add up to 1', async () => {
  const shape = shapeOf({ injection: 'cross' });
  const { side, views } = { side: Math.sqrt(createModel(shape).tokens), views: shape.config.views.length };
  const { attention, pooling, viewWeights } = await runOnTfjs(shape);
  const sums = (values: Float32Array, width: number): number[] =>
    Array.from({ length: values.length / width }, (_, row) =>
      values.subarray(row * width, (row + 1) * width).reduce((sum, value) => sum + value, 0),
    );
  const all = [
    ...sums(attention!, (1 + views) * side ** 2),
    ...sums(pooling!, side ** 2),
    ...sums(viewWeights!, views),
  ];
  for (const sum of all) expect(sum).toBeCloseTo(1, 4);
});

it('the picture of the identity view is the image', async () => {
  const shape = shapeOf({});
  const { views } = await runOnTfjs(shape);
  const { images } = inputsOf(shape).values;
  const stride = PIXELS * shape.config.views.length;
  const deviations = images!.map((pixel, i) => pixel - views![Math.floor(i / PIXELS) * stride + (i % PIXELS)]!);
  expect(Math.max(...deviations.map(Math.abs))).toBeLessThan(1e-5);
});
