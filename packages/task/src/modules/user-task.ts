/**
 * A user's task as a run knows it: a module, and what it is bound to. A process that shares no memory makes it from the same
 * words.
 */
import { TrainingError, type SampleFields } from '@facet/shared';
import type { Task } from '../task.js';
import { bindTask } from '../define/bind-task.js';
import { loadTask } from './load-task.js';

export interface UserTask {
  /** Path of the module. */
  readonly module: string;
  /** Of the source that the run was started with; undefined before it has one. */
  readonly sha256?: string | undefined;
  readonly options: unknown;
  readonly fields: SampleFields;
  readonly classes: readonly string[];
  readonly microBatch: number;
  readonly seed: number;
  readonly labelSmoothing: number;
}

/** See TaskReference. */
export const bind = (argument: unknown): Promise<Task> => openUserTask(argument as UserTask);

/**
 * @throws TrainingError TASK_INVALID or CAPTURE_UNSUPPORTED; VERSION_MISMATCH when the source here is another one than the run
 *   was started with.
 */
export async function openUserTask(task: UserTask): Promise<Task> {
  const { definition, file, sha256 } = await loadTask(task.module);
  if (task.sha256 !== undefined && sha256 !== task.sha256) {
    throw new TrainingError(
      'VERSION_MISMATCH',
      `the task ${file} has source ${sha256}, but the run was started with ${task.sha256}; give this worker the same files, with --task where they lie elsewhere`,
    );
  }
  // Compiled code in tests too: src/modules and dist/modules lie two levels below the package.
  const module = new URL('../../dist/modules/user-task.js', import.meta.url).href;
  return bindTask(definition, { ...task, reference: { module, argument: { ...task, module: file } } });
}
