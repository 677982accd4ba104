/**
 * `facet completion`: prints the script with which a shell completes commands, options, presets and runs. Nothing is installed.
 */
import { Argument, type Command } from 'commander';
import { completedCommands } from '../completion/completion-model.js';
import { completionScript, SHELLS, type Shell } from '../completion/shell-scripts.js';
import type { CliContext, CommandAction } from '../context.js';
import { EXIT } from '../exit-codes.js';

export function addCompletionCommand(
  program: Command,
  { stdout }: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      '\nExamples:\n  source <(facet completion bash)\n  source <(facet completion zsh)\n  facet completion fish > ~/.config/fish/completions/facet.fish',
    )
    .action((shell: Shell) =>
      run(() => {
        stdout.write(completionScript(shell, completedCommands(program)));
        return Promise.resolve(EXIT.ok);
      }),
    );
}
