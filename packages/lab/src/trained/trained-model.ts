/**
 * A checkpoint as a model that can answer: its weights with the size of its images and the names of its classes. It needs
 * none of the samples that it was trained on.
 */
import type { TrainedWeights } from '@facet/storage';
import { openDataset, type Dataset } from '@facet/datasets';
import { datasetDefinition, datasetShape, type ImageShape } from '@facet/shared';
import type { MultiView } from '@facet/multiview/config';
import type { ComparedModel } from '../inspection/inspect-model.js';
import type { TrainedModel } from '../models/classifier.js';
import { configOf } from './stored-config.js';

export interface NamedModel {
  readonly model: TrainedModel;
  /** Class names in label order. */
  readonly classNames: readonly string[];
}

/**
 * The model in a checkpoint.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when its configuration is not of this version.
 */
export async function modelOf(checkpoint: TrainedWeights): Promise<NamedModel> {
  const config = configOf(checkpoint);
  const classNames = datasetDefinition(config.dataset).classes;
  const image = checkpoint.info.image ?? (await earlierImageShape(config));
  return { model: modelFor(checkpoint, { image, classes: classNames }), classNames };
}

/**
 * The model in a checkpoint, for images of a dataset that is open already.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when its configuration is not of this version.
 */
export function modelFor(
  checkpoint: TrainedWeights,
  { image, classes }: Pick<Dataset, 'image' | 'classes'>,
): TrainedModel {
  const { layout, weights } = checkpoint;
  return { config: configOf(checkpoint), image, classes: classes.length, weights, layout };
}

/** A checkpoint under the name by which it is compared. */
export function comparedModel(checkpoint: TrainedWeights, dataset: Dataset): ComparedModel {
  const { run, step } = checkpoint.info;
  return { name: `${run}, step ${step}`, model: modelFor(checkpoint, dataset) };
}

/** Checkpoints of earlier versions do not say it. Files of one's own may differ from the dataset that they stand for. */
async function earlierImageShape({ dataset, dataFolder: folder }: MultiView): Promise<ImageShape> {
  const published = datasetShape(dataset).image;
  if (folder === undefined) return published;
  const opened = await openDataset({ name: dataset, folder }).catch(() => undefined);
  return opened?.image ?? published;
}
