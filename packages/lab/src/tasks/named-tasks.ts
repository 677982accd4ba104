/** The tasks that a configuration may name. To add one: give it a definition as the multi-view task has, and add it to the list. */
import { MULTI_VIEW } from '@facet/multiview/config';
import type { NamedTasks } from '@facet/shared';

export const NAMED_TASKS: NamedTasks = [MULTI_VIEW];
