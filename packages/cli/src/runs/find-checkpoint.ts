/**
 * From what a person types to verified weights: the commands that use trained weights begin here. Damaged checkpoints are
 * passed over and named; nothing is written.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { TrainedWeights } from '@facet/storage';
import { TrainingError } from '@facet/shared';
import type { CliContext } from '../context.js';
import {
  describeContent,
  holdsRun,
  isPath,
  listRuns,
  pathsIn,
  requireRun,
  runNotFound,
  runsFolder,
} from './run-folders.js';
import { findRun, isRunPlace } from './run-place.js';

export interface FoundCheckpoint {
  readonly checkpoint: TrainedWeights;
  /** Checkpoints that were passed over. */
  readonly warnings: readonly string[];
}

/**
 * A name is a run's, also one in a store; a path is that of a run folder, of one checkpoint or of a trained model.
 *
 * @throws TrainingError RUN_NOT_FOUND listing the runs that there are; CHECKPOINT_INVALID when none of them is sound.
 */
export async function findCheckpoint(name: string, { env }: Pick<CliContext, 'env'>): Promise<FoundCheckpoint> {
  const { readTrainedWeights } = await import('@facet/storage');
  if (isPath(name) && existsSync(path.join(name, 'run.json'))) {
    return { checkpoint: await readTrainedWeights(path.resolve(name)), warnings: [] };
  }
  if (isRunPlace(name)) {
    const { paths, warnings } = await findRun(name, { env }, { checkpoints: 'newest' });
    const found = await newestIn(paths.checkpoints);
    return { ...found, warnings: [...warnings, ...found.warnings] };
  }
  const runs = runsFolder(env);
  const paths = isPath(name) ? pathsIn(path.resolve(name)) : await requireRun(runs, name);
  if (!existsSync(paths.folder)) throw runNotFound(`there is no folder ${paths.folder}`, name, await listRuns(runs));
  if (!holdsRun(paths.folder) && !existsSync(paths.checkpoints)) {
    const expected = 'expected a run (ledger.jsonl), a checkpoint or a trained model (run.json)';
    throw runNotFound(
      `${paths.folder}: ${await describeContent(paths.folder)}, ${expected}`,
      name,
      await listRuns(runs),
    );
  }
  return newestIn(paths.checkpoints);
}

async function newestIn(folder: string): Promise<FoundCheckpoint> {
  const { newestSoundCheckpoint, trainedWeights } = await import('@facet/storage');
  const { checkpoint, skipped } = await newestSoundCheckpoint(folder);
  const warnings = skipped.map((passed) => `checkpoint ${passed.path} is damaged and is passed over: ${passed.reason}`);
  if (checkpoint !== undefined) return { checkpoint: trainedWeights(checkpoint), warnings };
  const fault = warnings.length === 0 ? 'there is none' : warnings.join('; ');
  throw new TrainingError(
    'CHECKPOINT_INVALID',
    `no sound checkpoint in ${folder}: ${fault}; resume the run until it has taken one`,
  );
}
