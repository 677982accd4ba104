/** Makes a task from where it is found; see `TaskReference`. */
import { TrainingError } from '@facet/shared';
import type { Task, TaskReference } from '../task.js';

interface TaskModule {
  readonly bind?: (argument: unknown) => Task | Promise<Task>;
}

/** @throws TrainingError INTERNAL when the module has no `bind`, and what that throws. */
export async function bindReference({ module, argument }: TaskReference): Promise<Task> {
  const { bind } = (await import(module)) as TaskModule;
  if (bind !== undefined) return bind(argument);
  throw new TrainingError('INTERNAL', `${module} does not export bind, which makes the task; report this as a bug`);
}
