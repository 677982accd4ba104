/**
 * A user's task as a run knows it: a module, and what it is bound to. A process that shares no memory makes it from the same
 * words.
 */
import type { SampleFields } from '@facet/shared';
import type { Task } from '../task.js';
import { bindTask } from './bind-task.js';
import { loadTask } from './load-task.js';

export interface UserTask {
  /** Absolute path of the module. */
  readonly file: string;
  readonly options: unknown;
  readonly fields: SampleFields;
  readonly classes: readonly string[];
  readonly microBatch: number;
  readonly seed: number;
  readonly labelSmoothing: number;
}

/** See TaskReference. */
export const bind = (argument: unknown): Promise<Task> => openUserTask(argument as UserTask);

/** @throws TrainingError TASK_INVALID or CAPTURE_UNSUPPORTED. */
export async function openUserTask(task: UserTask): Promise<Task> {
  const { definition } = await loadTask(task.file);
  // Compiled code in tests too: src/define and dist/define lie two levels below the package.
  const module = new URL('../../dist/define/user-task.js', import.meta.url).href;
  return bindTask(definition, { ...task, reference: { module, argument: task } });
}
