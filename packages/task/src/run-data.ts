/**
 * The data of a run, wherever they come from: the task's own, or a dataset by name.
 */
import { datasetSource, openDataset, type NamedSource } from '@facet/datasets';
import { TrainingError, type RunConfig } from '@facet/shared';
import { loadTask } from './define/load-task.js';

/**
 * Opens the data that a run is trained and evaluated on.
 *
 * @throws TrainingError DATASET_UNAVAILABLE or DATASET_INVALID; TASK_INVALID when the task's module cannot be loaded, or
 *   neither it nor the configuration says where samples come from.
 */
export async function openRunData({ task, dataset: name, dataFolder: folder }: RunConfig): Promise<NamedSource> {
  if (task !== undefined && name === undefined) {
    const { definition } = await loadTask(task.module);
    if (definition.dataset !== undefined) return { ...(await definition.dataset({ folder })), name: definition.name };
    throw new TrainingError(
      'TASK_INVALID',
      `the task ${definition.name} has no dataset; give it one in ${task.module}, or name one with --dataset`,
    );
  }
  return datasetSource(await openDataset({ name: name!, folder }));
}
