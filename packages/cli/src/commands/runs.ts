/**
 * `facet runs`: lists the runs of the runs folder, shows one, renames one, removes some. Only runs that do not run now are
 * changed.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { TrainingError } from '@facet/shared';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { formatAccuracy, formatCount } from '@facet/lab/data';
import { tableLines } from '../display/table.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { listRuns, requireFreeName, requireRun, runPaths, runsFolder } from '../runs/run-folders.js';
import { runOverview, type RunOverview } from '../runs/run-overview.js';
import { requireNotRunning } from '../runs/running-runs.js';

interface JsonOption {
  readonly json?: boolean;
}

interface RemoveOptions extends JsonOption {
  readonly yes?: boolean;
}

export function addRunsCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const runs = program.command('runs').description('list, show, rename or remove runs');
  runs
    .command('list', { isDefault: true })
    .description('list the runs, the one that changed last first')
    .option('--json', 'print one JSON object as the last line of stdout')
    .action((options: JsonOption) => run(() => list(options, context)));
  runs
    .command('show <run>')
    .description('show what is known of a run')
    .option('--json', 'print one JSON object as the last line of stdout')
    .action((name: string, options: JsonOption) => run(() => show(name, options, context)));
  runs
    .command('rename <run> <name>')
    .description('give a run another name')
    .action((name: string, newName: string) => run(() => renameRun(name, newName, context)));
  runs
    .command('rm <run...>')
    .description('remove runs with their checkpoints and ledgers')
    .option('--yes', 'remove them; without it nothing is removed')
    .option('--json', 'print one JSON object as the last line of stdout')
    .action((names: readonly string[], options: RemoveOptions) => run(() => remove(names, options, context)));
  runs.addHelpText('after', '\nExample:\n  facet runs rename mnist-fast-20261123-181500 baseline');
}

async function list({ json }: JsonOption, { env, stdout }: CliContext): Promise<ExitCode> {
  const folder = runsFolder(env);
  const names = await listRuns(folder);
  const overviews = await Promise.all(names.map((name) => runOverview(folder, name)));
  if (json) {
    printJson(stdout, { folder, runs: overviews });
    return EXIT.ok;
  }
  if (overviews.length === 0) {
    printLine(stdout, `there are no runs in ${folder}; \`facet up --dataset mnist\` starts one`);
    return EXIT.ok;
  }
  const lines = tableLines({
    header: ['run', 'state', 'dataset', 'preset', 'seed', 'epochs', 'steps', 'accuracy', 'changed'],
    right: [4, 5, 6, 7],
    rows: overviews.map((each) => [
      each.name,
      each.state,
      each.dataset ?? '-',
      each.preset ?? '-',
      countOf(each.seed),
      countOf(each.epochs),
      countOf(each.steps),
      each.accuracy === null ? '-' : formatAccuracy(each.accuracy),
      minuteOf(each),
    ]),
  });
  for (const line of lines) printLine(stdout, line);
  return EXIT.ok;
}

async function show(name: string, { json }: JsonOption, { env, stdout }: CliContext): Promise<ExitCode> {
  const { folder } = await requireRun(runsFolder(env), name);
  const overview = await runOverview(path.dirname(folder), path.basename(folder));
  if (json) {
    printJson(stdout, { ...overview });
    return EXIT.ok;
  }
  const rows = Object.entries(overview).map(([key, value]) => [key, value === null ? '-' : String(value)]);
  for (const line of tableLines({ header: ['', ''], rows }).slice(1)) printLine(stdout, line);
  if (overview.state === 'stopped') printLine(stdout, `\n\`facet resume ${overview.name}\` goes on with it.`);
  return EXIT.ok;
}

/** A run is called what its folder is called, so a new name is a new name of the folder. */
async function renameRun(name: string, newName: string, { env, stdout }: CliContext): Promise<ExitCode> {
  const from = await requireRun(runsFolder(env), name);
  const to = runPaths(path.dirname(from.folder), newName);
  requireFreeName(to);
  await requireNotRunning(name, from);
  const { moveRun } = await import('@facet/storage');
  await moveRun(from.folder, to.folder);
  printLine(stdout, `${path.basename(from.folder)} is called ${newName} now`);
  return EXIT.ok;
}

async function remove(
  names: readonly string[],
  { yes: isSure = false, json }: RemoveOptions,
  { env, stdout }: CliContext,
): Promise<ExitCode> {
  // All names are judged before the first run is removed.
  const found = await Promise.all(names.map((name) => requireRun(runsFolder(env), name)));
  for (const paths of found) await requireNotRunning(path.basename(paths.folder), paths);
  const folders = [...new Set(found.map(({ folder }) => folder))];
  if (!isSure) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `nothing was removed: ${folders.join(', ')} would be gone for good with checkpoints and ledger; add --yes to remove ${folders.length === 1 ? 'it' : 'them'}`,
    );
  }
  const { removeRun } = await import('@facet/storage');
  for (const folder of folders) await removeRun(folder);
  if (json) printJson(stdout, { removed: folders });
  else for (const folder of folders) printLine(stdout, `removed ${folder}`);
  return EXIT.ok;
}

function countOf(value: number | null): string {
  return value === null ? '-' : formatCount(value);
}

/** `2026-11-23 18:15`, in UTC. */
function minuteOf({ changedAt }: RunOverview): string {
  return changedAt.slice(0, 16).replace('T', ' ');
}
