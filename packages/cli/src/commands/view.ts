/**
 * `facet view`: the pages of runs from their folders, finished and running ones, without a coordinator. It listens on this
 * machine alone and changes nothing.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { formatAccuracy } from '@facet/lab/data';
import { formatAddress } from '@facet/shared';
import { createProcessRegistry, startHttpServer } from '@facet/telemetry';
import { RunShelf, runPath } from '@facet/view';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { readPort } from '../config/port-option.js';
import { addOpenOption, openInBrowser } from '../display/open-in-browser.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { listRuns, requireRun, runPaths, runsFolder, type RunPaths } from '../runs/run-folders.js';
import { runOverview } from '../runs/run-overview.js';

interface ViewOptions {
  readonly port: string;
  readonly open?: boolean;
  readonly json?: boolean;
}

const HOST = '127.0.0.1';

export function addViewCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = program
    .command('view [run...]')
    .description('show runs in a browser, from their folders; all runs if none is named');
  addOpenOption(command)
    .option('--port <number>', 'where to listen on this machine; 0 takes any free port', '0')
    .option('--json', 'print one JSON object with the address')
    .addHelpText('after', '\nExamples:\n  facet view\n  facet view baseline larger --open')
    .action((runs: readonly string[], options: ViewOptions) => run(() => view(runs, options, context)));
}

async function view(named: readonly string[], options: ViewOptions, context: CliContext): Promise<ExitCode> {
  const port = readPort(options.port, { least: 0 });
  const runs = runsFolder(context.env);
  const chosen = named.length === 0 ? undefined : await Promise.all(named.map((name) => requireRun(runs, name)));
  const places = async (): Promise<readonly RunPaths[]> =>
    chosen ?? (await listRuns(runs)).map((name) => runPaths(runs, name));
  const shelf = new RunShelf({
    runs: async () => (await places()).map((paths) => ({ name: nameOf(paths), ledger: paths.ledger })),
    facts: async ({ ledger }) => factsOf(path.dirname(ledger)),
  });
  const server = await startHttpServer({ host: HOST, port, registry: createProcessRegistry(), pages: shelf.pages });
  const [only, ...others] = chosen ?? [];
  const start = only !== undefined && others.length === 0 ? runPath(nameOf(only)) : '/';
  const url = `http://${formatAddress(HOST, server.port)}${start}`;
  if (options.json) printJson(context.stdout, { url });
  else printLine(context.stdout, `${url} (Ctrl-C ends it)`);
  if (options.open) openInBrowser(url, context);
  await new Promise<void>((resolve) => {
    const stopListening = context.onStopSignal(() => {
      stopListening();
      resolve();
    });
  });
  shelf.close();
  await server.close();
  return EXIT.ok;
}

/** What the list says of a run; nothing of one that cannot be read. */
async function factsOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const found = await runOverview(path.dirname(folder), path.basename(folder)).catch(() => undefined);
  if (found === undefined) return {};
  return {
    state: found.state,
    dataset: found.dataset ?? '',
    preset: found.preset ?? '',
    steps: found.steps === null ? '' : String(found.steps),
    accuracy: found.accuracy === null ? '' : formatAccuracy(found.accuracy),
    changed: found.changedAt.slice(0, 16).replace('T', ' '),
  };
}

function nameOf({ folder }: RunPaths): string {
  return path.basename(folder);
}
