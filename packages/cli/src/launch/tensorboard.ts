/** The flag --tensorboard of the commands that train, and what it does in the process of the coordinator. */
import path from 'node:path';
import type { Command } from 'commander';
import type { EventFollower } from '@facet/lab/figures';
import type { RunConfig } from '@facet/shared';
import type { RunPaths } from '../runs/run-folders.js';

/** Below the folder of a run, so that `tensorboard --logdir runs` finds the files of every run. */
const FOLDER = 'tensorboard';

export function addTensorboardOption(command: Command): Command {
  return command.option('--tensorboard', "write TensorBoard event files into the run's folder while it trains");
}

/**
 * Begins to write event files. What goes wrong is a warning: training is not touched.
 *
 * @param warn told once why no more is written
 */
export async function startTensorboard(
  { folder, ledger, checkpoints }: RunPaths,
  config: RunConfig,
  warn: (message: string) => void,
): Promise<EventFollower> {
  const { followLedger } = await import('@facet/lab/figures');
  const to = path.join(folder, FOLDER);
  return followLedger({ ledger, checkpoints, folder: to, config }, (reason) => {
    warn(
      `no more event files are written to ${to}: ${reason}; training goes on, and ` +
        '`facet export-metrics` with --format tensorboard writes them from the ledger',
    );
  });
}
