/** Runs exported programs from their files, with nothing of ours: any inputs, any outputs. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/** What one call is given. */
export type Feeds = readonly {
  readonly name: string;
  readonly values: Float32Array;
  readonly shape: readonly number[];
}[];

/** By the name of the output: the values of all calls, one after the other. */
export type Outputs = Readonly<Record<string, Float32Array>>;

/** Runs `model.onnx` with onnxruntime. */
export async function runOnnxFile(folder: string, calls: readonly Feeds[], names: readonly string[]): Promise<Outputs> {
  const session = await InferenceSession.create(path.join(folder, 'model.onnx'));
  try {
    return await collected(calls, names, async (feeds) => {
      const tensors = feeds.map(({ name, values, shape }) => [name, new Tensor('float32', values, shape)] as const);
      const outputs = await session.run(Object.fromEntries(tensors), [...names]);
      return names.map((name) => outputs[name]!.data as Float32Array);
    });
  } finally {
    await session.release();
  }
}

/** Runs `model.json` with TensorFlow.js on its plain CPU backend. */
export async function runGraph(folder: string, calls: readonly Feeds[], names: readonly string[]): Promise<Outputs> {
  // Otherwise the backend prints an advertisement for a native build.
  tf.enableProdMode();
  await tf.setBackend('cpu');
  const graph = await tf.loadGraphModel({ load: () => readGraphModel(folder) });
  try {
    return await collected(calls, names, async (feeds) => {
      const inputs = Object.fromEntries(feeds.map(({ name, values, shape }) => [name, tf.tensor(values, [...shape])]));
      const outputs = [graph.execute(inputs, [...names])].flat();
      const values = await Promise.all(outputs.map((output) => output.data<'float32'>()));
      tf.dispose([...Object.values(inputs), ...outputs]);
      return values;
    });
  } finally {
    graph.dispose();
  }
}

/** The files of a TensorFlow.js graph model. */
async function readGraphModel(folder: string): Promise<tf.io.ModelArtifacts> {
  const json = JSON.parse(await readFile(path.join(folder, 'model.json'), 'utf8')) as tf.io.ModelJSON;
  const { paths, weights } = json.weightsManifest[0]!;
  const shards = await Promise.all(paths.map((name) => readFile(path.join(folder, name))));
  const weightData = new Uint8Array(Buffer.concat(shards)).buffer;
  return { ...json, modelTopology: json.modelTopology, weightSpecs: weights, weightData };
}

async function collected(
  calls: readonly Feeds[],
  names: readonly string[],
  run: (feeds: Feeds) => Promise<readonly Float32Array[]>,
): Promise<Outputs> {
  const found: (readonly Float32Array[])[] = [];
  for (const feeds of calls) found.push(await run(feeds));
  return Object.fromEntries(
    names.map((name, at) => [name, Float32Array.from(found.flatMap((outputs) => [...outputs[at]!]))]),
  );
}
