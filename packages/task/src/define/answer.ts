/** What the answers of a user's task are, as its definition and its samples say. */
import type { SampleField, SampleFields } from '@facet/shared';
import type { Answer } from '../task.js';
import type { TaskDefinition } from './define-task.js';

/** True for fields whose tensors hold whole numbers. */
export function isWhole({ type, shape }: SampleField): boolean {
  return type === 'int32' || (type === 'uint8' && shape.length === 0);
}

/** Whether the target is one of the classes, or a place of it is. */
export function isOfClasses({ loss = 'crossEntropy' }: TaskDefinition, classes: readonly string[]): boolean {
  return classes.length > 0 && loss === 'crossEntropy';
}

/** What an evaluation of a task judges: a class for each sample, or losses where its samples have none. */
export function answerOf(
  definition: TaskDefinition,
  { fields, classes }: { readonly fields: SampleFields; readonly classes: readonly string[] },
): Answer {
  const label = definition.target ?? 'label';
  const field = fields[label];
  // An answer for each place of a sequence is no class of the sample.
  const isClass = isOfClasses(definition, classes) && field !== undefined && isWhole(field) && field.shape.length === 0;
  return isClass ? { kind: 'class', classes: classes.length, label } : { kind: 'losses' };
}
