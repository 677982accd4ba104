/**
 * The run.json of a folder that holds a trained model and nothing to go on training with: it says where the weights come
 * from and vouches for every byte of them, as that of a checkpoint does.
 */
import path from 'node:path';
import { trainingPart, type ImageShape } from '@facet/shared';
import type { TrainedWeights } from './read-checkpoint.js';
import { formatRunFile } from './run-file.js';
import { sealOf, weightsSha256 } from './sha256.js';

/** What a run.json of a model is made from. */
export interface ModelRunFileOptions {
  /** Their configuration is a whole one, or what an export keeps of it. */
  readonly trained: TrainedWeights;
  /** Size of the images that the model takes, if it takes images. */
  readonly image: ImageShape | undefined;
  /** The content of model.safetensors. */
  readonly modelFile: Uint8Array;
}

/**
 * The text of run.json. People publish it, so of the configuration it keeps what decides the arithmetic and nothing that says where
 * the run took place: no host, no URL with a password, no path.
 */
export async function formatModelRunFile({ trained, image, modelFile }: ModelRunFileOptions): Promise<string> {
  const { weights, evaluatedWeights, layout, info } = trained;
  const { task, ...config } = trainingPart(info.config);
  return formatRunFile({
    version: 1,
    ...info,
    config: { ...config, task: task.module === undefined ? task : { ...task, module: path.basename(task.module) } },
    layout,
    ...(image && { image }),
    weights: evaluatedWeights,
    weightsSha256: await weightsSha256(weights),
    files: { 'model.safetensors': await sealOf(modelFile) },
  });
}
