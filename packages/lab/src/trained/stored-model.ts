/**
 * A checkpoint of any task as a model that can answer. What its samples are, the checkpoint says. An earlier version did not write
 * that down; then the samples must still be where they were.
 */
import path from 'node:path';
import type { TrainedWeights } from '@facet/storage';
import { imageFields, moduleTask, type RunConfig, type SampleFacts } from '@facet/shared';
import { isMultiView } from '@facet/multiview/config';
import type { StoredModel } from '../models/loaded-model.js';
import { storedConfigOf } from './stored-config.js';
import { modelOf } from './trained-model.js';

/**
 * The model in a checkpoint.
 *
 * @param module where this machine has the module of the task; undefined: where the run had it
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when its configuration is not of this version; as `openRunData` for a checkpoint
 *   that does not say what its samples are.
 */
export async function storedModelOf(checkpoint: TrainedWeights, module?: string): Promise<StoredModel> {
  const { weights, layout, info } = checkpoint;
  const config = configWithTask(checkpoint, module);
  if (info.samples !== undefined) return { config, samples: info.samples, weights, layout };
  if (isMultiView(config)) {
    const { model, classNames } = await modelOf(checkpoint);
    return { config, samples: { fields: imageFields(model.image), classes: classNames }, weights, layout };
  }
  const { openRunData } = await import('@facet/task/data');
  const { fields, classes = [], table } = await openRunData(config);
  const samples: SampleFacts = { fields, classes, ...(table && { table }) };
  return { config, samples, weights, layout };
}

/** An export names its task by the name of the file alone: then it is sought beside the export. */
function configWithTask(checkpoint: TrainedWeights, module: string | undefined): RunConfig {
  const config = storedConfigOf(checkpoint);
  const task = moduleTask(config);
  if (task === undefined) return config;
  const place = module === undefined ? path.resolve(checkpoint.path, task.module) : path.resolve(module);
  return { ...config, task: { ...task, module: place } };
}
