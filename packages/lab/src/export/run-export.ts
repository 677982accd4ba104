/**
 * Runs an exported model from its files, with nothing of ours but the images: onnxruntime for ONNX, the graph model loader
 * of TensorFlow.js, and for safetensors the reader and the model of this version. What comes out is compared elsewhere.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decodeSafetensors, fromTensors } from '@facet/shared';
import { openClassifier, type TrainedModel } from '../models/classifier.js';
import { softmaxRows } from '../models/probabilities.js';
import { readGraphModel } from './run-files.js';

export interface Answers {
  /** [images, classes] */
  readonly logits: Float32Array;
  /** [images, classes] */
  readonly probabilities: ArrayLike<number>;
}

export interface RunOptions {
  readonly folder: string;
  readonly model: TrainedModel;
  /** Images per call; the number of images is a multiple of it. */
  readonly batch: number;
  /** [images, channels * height * width], planar, in [0, 1] */
  readonly images: Float32Array;
}

/** Runs `model.onnx` with onnxruntime. */
export async function runOnnx({ folder, ...options }: RunOptions): Promise<Answers> {
  const session = await InferenceSession.create(path.join(folder, 'model.onnx'));
  try {
    return await inBatches(options, async (images, shape) => {
      const { logits, probabilities } = await session.run({ images: new Tensor('float32', images, shape) });
      return { logits: logits!.data as Float32Array, probabilities: probabilities!.data as Float32Array };
    });
  } finally {
    await session.release();
  }
}

/** Runs `model.json` with TensorFlow.js on its plain CPU backend. */
export async function runGraphModel({ folder, ...options }: RunOptions): Promise<Answers> {
  // Otherwise the backend prints an advertisement for a native build.
  tf.enableProdMode();
  await tf.setBackend('cpu');
  const graph = await tf.loadGraphModel({ load: () => readGraphModel(folder) });
  try {
    return await inBatches(options, async (images, shape) => {
      const input = tf.tensor(images, [...shape]);
      const outputs = graph.execute({ images: input }, ['logits', 'probabilities']) as tf.Tensor[];
      const [logits, probabilities] = await Promise.all(outputs.map((output) => output.data<'float32'>()));
      tf.dispose([input, ...outputs]);
      return { logits: logits!, probabilities: probabilities! };
    });
  } finally {
    graph.dispose();
  }
}

/** Reads `model.safetensors` back and runs the weights in it. */
export async function runSafetensors({ folder, model, images }: RunOptions): Promise<Answers> {
  const { tensors } = decodeSafetensors(await readFile(path.join(folder, 'model.safetensors')));
  const weights = fromTensors(tensors, model.layout);
  const classifier = await openClassifier(
    { ...model, weights },
    { engine: { name: 'onnxruntime', device: 'cpu' }, threads: 0 },
  );
  try {
    const logits = await classifier.logits(images);
    return { logits, probabilities: softmaxRows(logits, model.classes) };
  } finally {
    await classifier.close();
  }
}

type RunBatch = (
  images: Float32Array,
  shape: readonly number[],
) => Promise<{ logits: Float32Array; probabilities: Float32Array }>;

async function inBatches({ model, batch, images }: Omit<RunOptions, 'folder'>, run: RunBatch): Promise<Answers> {
  const { channels, height, width } = model.image;
  const size = channels * height * width;
  const count = images.length / size;
  const logits = new Float32Array(count * model.classes);
  const probabilities = new Float32Array(count * model.classes);
  for (let start = 0; start < count; start += batch) {
    const answers = await run(images.slice(start * size, (start + batch) * size), [batch, channels, height, width]);
    logits.set(answers.logits, start * model.classes);
    probabilities.set(answers.probabilities, start * model.classes);
  }
  return { logits, probabilities };
}
