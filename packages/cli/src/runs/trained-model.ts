/**
 * A checkpoint as a model that can answer: its weights with the size of its images and the names of its classes. The
 * samples of a dataset are read only where nothing else says how large they are.
 */
import type { TrainedWeights } from '@facet/coordinator';
import { datasetClasses, openDataset, type Dataset } from '@facet/datasets';
import { DATASET_SHAPES, type ImageShape, type RunConfig } from '@facet/shared';
import type { TrainedModel } from '@facet/worker';
import { configOf } from './find-checkpoint.js';

export interface NamedModel {
  readonly model: TrainedModel;
  /** Class names in label order. */
  readonly classNames: readonly string[];
}

/**
 * The model in a checkpoint.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when its configuration is not of this version; DATASET_UNAVAILABLE or
 *   DATASET_INVALID when it was trained on files of one's own and these are not there any more.
 */
export async function modelOf(checkpoint: TrainedWeights): Promise<NamedModel> {
  const config = configOf(checkpoint);
  const classNames = datasetClasses(config.dataset);
  const image = checkpoint.image ?? (await imageShapeOf(config));
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

async function imageShapeOf({ dataset, dataFolder }: RunConfig): Promise<ImageShape> {
  if (dataFolder === undefined) return DATASET_SHAPES[dataset].image;
  return (await openDataset({ name: dataset, folder: dataFolder })).image;
}
