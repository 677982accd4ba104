import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { randomKey, randomStream, type TrainingError } from '@facet/shared';
import { captureProgram, createProgramBuilder, gelu, layerNorm } from '@facet/compiler';
import { compileProgram } from '@facet/engine';
import { writeGraphModel } from './graph-model.js';

const SHAPE: [number, number, number] = [2, 3, 4];

/** Every kind of node that a forward pass may have, each into an output of its own. */
function everyOp(x: tf.Tensor3D): Record<string, tf.Tensor> {
  const y = tf.tensor([0.5, 1, 1.5, 2], [4]);
  const matrix = x.slice([0, 0, 0], [1, 3, 4]).reshape<tf.Tensor2D>([3, 4]);
  const outputs: Record<string, tf.Tensor> = {
    unary: x.neg().exp().add(1).log().sqrt().reciprocal().abs().sign().add(x.sigmoid()).add(x.tanh()).add(x.erf()),
    waves: x.relu().add(x.sin()).add(x.cos()),
    gelu: gelu(x),
    layerNorm: layerNorm(matrix, tf.tensor1d([1, 2, 3, 4]), tf.tensor1d([0, 1, 0, 1])),
    binary: x.sub(y).mul(x).div(y).abs().pow(y).maximum(x).minimum(3),
    chosen: tf.where(x.greater(0.5), x, x.mul(2)),
    compared: tf.addN(
      [x.less(0.3), x.lessEqual(0.3), x.greaterEqual(0.6), x.equal(0)].map((condition) => condition.cast('float32')),
    ),
    sums: x
      .sum([0, 2], true)
      .add(x.mean(-1, true))
      .add(x.max([1], true)),
    softmax: tf.softmax(x).add(tf.logSoftmax(x)),
    products: tf.matMul(matrix, matrix, true).add(tf.matMul(x, x, false, true).sum()),
    pieces: tf
      .concat(
        [
          x.pad(
            [
              [0, 0],
              [1, 2],
              [0, 0],
            ],
            0.25,
          ),
          x,
        ],
        1,
      )
      .transpose([2, 0, 1]),
    picked: tf.gather(x, tf.tensor1d([1, 1, 0], 'int32'), 2).add(x.sum().mul(tf.ones([2, 3, 3]))),
    // Every second element along two axes.
    pooled: tf.maxPool(x.reshape<tf.Tensor4D>([1, 4, 6, 1]), 2, 2, 'valid'),
    answers: x.argMax(2).cast('float32'),
  };
  return outputs;
}

it('loads in TensorFlow.js and computes what the captured function computes', async () => {
  const stream = randomStream(randomKey('initialisation', 2));
  const values = Float32Array.from({ length: 24 }, () => stream.nextUniform());
  const captured = await captureProgram({
    name: 'every-op',
    inputs: [{ name: 'x', shape: SHAPE, dtype: 'float32' }],
    build: (inputs) => everyOp(inputs.get('x') as tf.Tensor3D),
  });
  const program = await compileProgram(captured);
  const files = writeGraphModel(program, { constantNames: new Map(), metadata: {} });
  const { modelTopology, weightsManifest } = JSON.parse(
    Buffer.from(files.get('model.json')!).toString(),
  ) as tf.io.ModelJSON;
  const weightData = new Uint8Array(files.get('group1-shard1of1.bin')!).buffer;
  await tf.setBackend('cpu');
  const artifacts = { modelTopology: modelTopology, weightSpecs: weightsManifest[0]!.weights, weightData };
  const model = await tf.loadGraphModel({ load: async () => artifacts });
  const x = tf.tensor3d(values, SHAPE);
  const expected = everyOp(x);
  const names = Object.keys(expected);
  const actual = model.execute({ x }, names) as tf.Tensor[];
  names.forEach((name, i) => {
    expect(actual[i]!.shape, name).toEqual(expected[name]!.shape);
    const numbers = expected[name]!.dataSync();
    actual[i]!.dataSync().forEach((value, at) => expect(value, `${name} ${at}`).toBeCloseTo(numbers[at]!, 5));
  });
});

it('cuts weights into shards of four megabytes', () => {
  const builder = createProgramBuilder('large');
  const type = { shape: [1_500_000], dtype: 'float32' } as const;
  const large = builder.constant(type, { kind: 'dense', values: new Float32Array(1_500_000) });
  const files = writeGraphModel(builder.build([{ name: 'y', id: large }]), { constantNames: new Map(), metadata: {} });
  expect([...files].map(([name, { byteLength }]) => [name, byteLength]).slice(1)).toEqual([
    ['group1-shard1of2.bin', 4 * 1024 * 1024],
    ['group1-shard2of2.bin', 6_000_000 - 4 * 1024 * 1024],
  ]);
});

it('names a node that it has no form for', () => {
  const builder = createProgramBuilder('coarse');
  const type = { shape: [2, 2], dtype: 'float32' } as const;
  const x = builder.input('x', type);
  const y = builder.node({ kind: 'linear' }, [x, x, x], type);
  const program = builder.build([{ name: 'y', id: y }]);
  expect(() => writeGraphModel(program, { constantNames: new Map(), metadata: {} })).toThrow(
    expect.objectContaining({
      code: 'CAPTURE_UNSUPPORTED',
      message: expect.stringContaining('linear'),
    }) as TrainingError,
  );
});
