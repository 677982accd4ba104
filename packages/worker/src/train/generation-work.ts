/**
 * What one rank of one generation works on: the run's arithmetic, its own place in it, and where samples come from and go to.
 * Training and evaluation read the same.
 */
import type { Plan, RunConfig, WorkSplit } from '@facet/shared';
import type { Task } from '@facet/task';
import type { ShardSource } from '../data/shard-source.js';
import type { Compute } from '@facet/engine';

export interface GenerationWork {
  readonly config: RunConfig;
  readonly plan: Plan;
  readonly task: Task;
  readonly rank: number;
  readonly split: WorkSplit;
  readonly compute: Compute;
  readonly shards: ShardSource;
  readonly signal: AbortSignal;
}
