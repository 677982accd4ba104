/** `facet host-workers`: what a launch with --hosts starts on every host. Nobody types it. */
import type { Command } from 'commander';
import { readCodeVersion } from '../../code-version.js';
import type { CliContext, CommandAction } from '../../context.js';
import { listenForStop } from '../stop-signals.js';

/** The name of the command. */
export const HOST_COMMAND = 'host-workers';

export function addHostCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command(HOST_COMMAND, { hidden: true })
    .description('run workers for a launch with --hosts, which speaks over stdin')
    .action(() =>
      run(async () => {
        using signals = listenForStop(context);
        const { runHostWorkers } = await import('./host-workers.js');
        const { stdin, stdout, env } = context;
        const codeVersion = await readCodeVersion(env);
        return runHostWorkers({ stdin, stdout, env, codeVersion, stop: signals.stop });
      }),
    );
}
