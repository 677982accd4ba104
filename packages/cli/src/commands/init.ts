/**
 * `facet init`: writes a task that trains, to be changed into one's own, with all that it takes to run it.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { writeProject, type NewProject } from '../init/write-project.js';

interface InitOptions {
  readonly json?: boolean;
}

export function addInitCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('init')
    .description('write a task of your own to start from: a small model, its samples and its configuration')
    .argument('<folder>', 'a new or an empty folder')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet init my-task')
    .action((folder: string, options: InitOptions) => run(() => init(folder, options, context)));
}

async function init(folder: string, { json }: InitOptions, { stdout }: CliContext): Promise<ExitCode> {
  const project = await writeProject(path.resolve(folder));
  const next = nextCommands(folder, project);
  if (json) {
    printJson(stdout, { folder: project.folder, files: project.files, next });
    return EXIT.ok;
  }
  printLine(stdout, `wrote ${project.files.join(', ')} to ${folder}`);
  printLine(stdout, 'next:');
  for (const command of next) printLine(stdout, `  ${command}`);
  return EXIT.ok;
}

/** What is typed next, one command each. */
function nextCommands(folder: string, { source }: NewProject): string[] {
  const { isInstalled, checkoutToPack } = source;
  const quoted = (text: string): string => (/^[\w./@+-]+$/.test(text) ? text : `'${text}'`);
  return [
    ...(checkoutToPack === undefined ? [] : [`(cd ${quoted(checkoutToPack)} && npm run pack)`]),
    ...(path.resolve(folder) === path.resolve('.') ? [] : [`cd ${quoted(folder)}`]),
    ...(isInstalled ? [] : ['npm install']),
    'npx facet up --config facet.yaml',
  ];
}
