/**
 * The task of a run: what its configuration says, for samples as its data have them.
 */
import { describeFields, imageShapeOf, requireMultiView, TrainingError, type RunConfig } from '@facet/shared';
import { loadTask, openUserTask, type Task, type TaskSamples } from '@facet/task';
import { multiViewShape, multiViewTask } from '@facet/multiview';

/**
 * @throws TrainingError CONFIG_INVALID when the task cannot take such samples; TASK_INVALID or CAPTURE_UNSUPPORTED when it is
 *   wrong; VERSION_MISMATCH when its source here is another one than the run was started with.
 */
export async function openTask(config: RunConfig, { fields, classes }: TaskSamples): Promise<Task> {
  const { task, batch, optimizer, seed } = config;
  if (task !== undefined) {
    const { file, sha256 } = await loadTask(task.module);
    if (task.sha256 !== undefined && sha256 !== task.sha256) throw otherSource(file, sha256, task.sha256);
    const { labelSmoothing } = optimizer;
    return openUserTask({
      file,
      options: task.options,
      fields,
      classes,
      microBatch: batch.micro,
      seed,
      labelSmoothing,
    });
  }
  const image = imageShapeOf(fields);
  if (image === undefined) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `the multi-view model takes samples with a field image uint8 [height, width, channels], but these have ${describeFields(fields)}`,
    );
  }
  const multiView = requireMultiView(config, 'this');
  return multiViewTask(multiViewShape({ image, classes: classes.length }, multiView));
}

function otherSource(file: string, actual: string, expected: string): TrainingError {
  return new TrainingError(
    'VERSION_MISMATCH',
    `the task ${file} has source ${actual}, but the run was started with ${expected}; give this worker the same files, with --task where they lie elsewhere`,
  );
}
