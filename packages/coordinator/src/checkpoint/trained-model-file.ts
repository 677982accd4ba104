/**
 * The run.json of a folder that holds a trained model and nothing to go on training with: it says where the weights come
 * from and vouches for every byte of them, as that of a checkpoint does.
 */
import type { TrainedWeights } from './read-checkpoint.js';
import { formatRunFile } from './run-file.js';
import { sealOf, weightsSha256 } from './sha256.js';

/**
 * The text of run.json.
 *
 * @param modelFile the content of model.safetensors
 */
export async function formatModelRunFile(
  { weights, evaluatedWeights, layout, info }: TrainedWeights,
  modelFile: Uint8Array,
): Promise<string> {
  return formatRunFile({
    version: 1,
    ...info,
    layout,
    weights: evaluatedWeights,
    weightsSha256: await weightsSha256(weights),
    files: { 'model.safetensors': await sealOf(modelFile) },
  });
}
