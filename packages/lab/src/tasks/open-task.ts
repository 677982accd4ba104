/**
 * The task of a run: what its configuration says, for samples as its data have them.
 */
import { describeFields, imageShapeOf, moduleTask, TrainingError, type RunConfig } from '@facet/shared';
import { requireMultiView } from '@facet/multiview/config';
import { openUserTask, type Task, type TaskSamples } from '@facet/task';
import { multiViewShape, multiViewTask } from '@facet/multiview';

/**
 * @throws TrainingError CONFIG_INVALID when the task cannot take such samples; TASK_INVALID or CAPTURE_UNSUPPORTED when it is
 *   wrong; VERSION_MISMATCH when its source here is another one than the run was started with.
 */
export async function openTask(config: RunConfig, { fields, classes }: TaskSamples): Promise<Task> {
  const { batch, optimizer, seed } = config;
  const task = moduleTask(config);
  if (task !== undefined) {
    const { labelSmoothing } = optimizer;
    return openUserTask({ ...task, fields, classes, microBatch: batch.micro, seed, labelSmoothing });
  }
  const image = imageShapeOf(fields);
  if (image === undefined) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `the multi-view model takes samples with a field image uint8 [height, width, channels], but these have ${describeFields(fields)}`,
    );
  }
  return multiViewTask(multiViewShape({ image, classes: classes.length }, requireMultiView(config, 'its task')));
}
