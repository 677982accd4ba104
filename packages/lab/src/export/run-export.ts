/**
 * Runs an exported multi-view model from its files: programs as run-files.ts does, and for safetensors the reader and the
 * model of this version. What comes out is compared elsewhere.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { decodeSafetensors, fromTensors } from '@facet/shared';
import { openClassifier, type TrainedModel } from '../models/classifier.js';
import { softmaxRows } from '../models/probabilities.js';
import { runGraph, runOnnxFile, type Feeds, type Outputs } from './run-files.js';

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

const OUTPUTS = ['logits', 'probabilities'] as const;

/** Runs `model.onnx` with onnxruntime. */
export async function runOnnx(options: RunOptions): Promise<Answers> {
  return answersOf(await runOnnxFile(options.folder, callsOf(options), OUTPUTS));
}

/** Runs `model.json` with TensorFlow.js on its plain CPU backend. */
export async function runGraphModel(options: RunOptions): Promise<Answers> {
  return answersOf(await runGraph(options.folder, callsOf(options), OUTPUTS));
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

function callsOf({ model, batch, images }: RunOptions): Feeds[] {
  const { channels, height, width } = model.image;
  const size = batch * channels * height * width;
  return Array.from({ length: images.length / size }, (_, call) => [
    {
      name: 'images',
      values: images.slice(call * size, (call + 1) * size),
      shape: [batch, channels, height, width],
    },
  ]);
}

function answersOf({ logits, probabilities }: Outputs): Answers {
  return { logits: logits!, probabilities: probabilities! };
}
