/**
 * `facet runs`: lists the runs of the runs folder, shows one, compares some, renames one, removes some. Only runs that do not run now are
 * changed.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { TrainingError } from '@facet/shared';
import type { RunStore } from '@facet/storage';
import { printJson, printLine, type CliContext, type CommandAction, type Environment } from '../context.js';
import { formatAccuracy, formatBytes, formatCount } from '@facet/lab/data';
import { tableLines } from '../display/table.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { isPath, listRuns, pathsIn, requireFreeName, requireRun, runPaths, runsFolder } from '../runs/run-folders.js';
import { runOverview, type RunOverview } from '../runs/run-overview.js';
import { findRun, isRunPlace, openNamedStore, openPlacedRun } from '../runs/run-place.js';
import { requireNotRunning } from '../runs/running-runs.js';
import { addCompareCommand } from './runs-compare.js';

interface JsonOption {
  readonly json?: boolean;
}

interface ListOptions extends JsonOption {
  readonly store?: string;
}

interface RemoveOptions extends JsonOption {
  readonly yes?: boolean;
}

export function addRunsCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const runs = program.command('runs').description('list, show, compare, rename, copy or remove runs');
  runs
    .command('list', { isDefault: true })
    .description('list the runs, the one that changed last first')
    .option('--store <place>', 'list the names in a store instead: nats://HOST:PORT or s3://BUCKET/PREFIX')
    .option('--json', 'print one JSON object as the last line of stdout')
    .action((options: ListOptions) => run(() => list(options, context)));
  runs
    .command('show <run>')
    .description('show what is known of a run')
    .option('--json', 'print one JSON object as the last line of stdout')
    .action((name: string, options: JsonOption) => run(() => show(name, options, context)));
  addCompareCommand(runs, context, run);
  runs
    .command('rename <run> <name>')
    .description('give a run another name')
    .action((name: string, newName: string) => run(() => renameRun(name, newName, context)));
  runs
    .command('copy <from> <to>')
    .description('copy a run to another store: each is a name, a folder, or STORE/RUN such as s3://BUCKET/PREFIX/RUN')
    .option('--json', 'print one JSON object as the last line of stdout')
    .action((from: string, to: string, options: JsonOption) => run(() => copy(from, to, options, context)));
  runs
    .command('rm <run...>')
    .description('remove runs with their checkpoints and ledgers')
    .option('--yes', 'remove them; without it nothing is removed')
    .option('--json', 'print one JSON object as the last line of stdout')
    .action((names: readonly string[], options: RemoveOptions) => run(() => remove(names, options, context)));
  runs.addHelpText('after', '\nExample:\n  facet runs rename mnist-fast-20261123-181500 baseline');
}

async function list({ json, store }: ListOptions, { env, stdout }: CliContext): Promise<ExitCode> {
  if (store !== undefined && isRunPlace(store)) {
    await using opened = await openNamedStore(store, { env });
    const names = await opened.runs();
    if (json) printJson(stdout, { store: opened.place, runs: names });
    else for (const name of names) printLine(stdout, `${opened.place}/${name}`);
    if (!json && names.length === 0) printLine(stdout, `there are no runs in ${opened.place}`);
    return EXIT.ok;
  }
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
    header: [
      ...['run', 'state', 'task', 'dataset', 'preset', 'seed', 'epochs', 'steps', 'best', 'samples/s', 'size'],
      'changed',
    ],
    right: [5, 6, 7, 8, 9, 10],
    rows: overviews.map((each) => [
      ...[each.name, each.state, each.task ?? '-', each.dataset ?? '-', each.preset ?? '-'],
      ...[countOf(each.seed), countOf(each.epochs), countOf(each.steps)],
      each.bestAccuracy === null ? '-' : formatAccuracy(each.bestAccuracy),
      countOf(each.samplesPerSecond),
      formatBytes(each.bytes),
      minuteOf(each),
    ]),
  });
  for (const line of lines) printLine(stdout, line);
  return EXIT.ok;
}

async function show(name: string, { json }: JsonOption, { env, stdout }: CliContext): Promise<ExitCode> {
  const { folder } = (await findRun(name, { env }, { checkpoints: 'none' })).paths;
  const found = await runOverview(path.dirname(folder), path.basename(folder));
  // What lies in the cache is a copy.
  const overview = isRunPlace(name) ? { ...found, folder: name } : found;
  if (json) {
    printJson(stdout, { ...overview });
    return EXIT.ok;
  }
  const rows = Object.entries(overview).map(([key, value]) => [key, value === null ? '-' : String(value)]);
  for (const line of tableLines({ header: ['', ''], rows }).slice(1)) printLine(stdout, line);
  if (overview.state === 'stopped')
    printLine(stdout, `\n\`facet resume ${isRunPlace(name) ? name : overview.name}\` goes on with it.`);
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
  const placed = names.filter(isRunPlace);
  const here = names.filter((name) => !isRunPlace(name));
  const found = await Promise.all(here.map((name) => requireRun(runsFolder(env), name)));
  for (const paths of found) await requireNotRunning(path.basename(paths.folder), paths);
  const local = [...new Set(found.map(({ folder }) => folder))];
  const folders = [...local, ...new Set(placed)];
  if (!isSure) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `nothing was removed: ${folders.join(', ')} would be gone for good with checkpoints and ledger; add --yes to remove ${folders.length === 1 ? 'it' : 'them'}`,
    );
  }
  const { removeRun } = await import('@facet/storage');
  for (const folder of local) await removeRun(folder);
  for (const name of new Set(placed)) await removePlaced(name, env);
  if (json) printJson(stdout, { removed: folders });
  else for (const folder of folders) printLine(stdout, `removed ${folder}`);
  return EXIT.ok;
}

/** Whoever leads the run would write it again, so the ledger is claimed first: it then stops. */
async function removePlaced(name: string, env: Environment): Promise<void> {
  const { hasStoredLedger, parseRunPlace } = await import('@facet/storage');
  const { store, run } = parseRunPlace(name);
  await using opened = await openNamedStore(store, { env });
  await using found = await opened.open(run);
  if (!(await hasStoredLedger(found))) {
    throw new TrainingError(
      'RUN_NOT_FOUND',
      `there is no run in ${found.place}; see \`facet runs list --store ${store}\``,
    );
  }
  await (await found.ledger.claim()).release();
  await opened.remove(run);
}

async function copy(from: string, to: string, { json }: JsonOption, { env, stdout }: CliContext): Promise<ExitCode> {
  const { copyRun } = await import('@facet/storage');
  await using source = await openEnd(from, env, async () => (await requireRun(runsFolder(env), from)).folder);
  await using target = await openEnd(to, env, () => {
    const paths = isPath(to) ? pathsIn(path.resolve(to)) : runPaths(runsFolder(env), to);
    requireFreeName(paths);
    return Promise.resolve(paths.folder);
  });
  const copied = await copyRun(source, target);
  if (json) printJson(stdout, { from: source.place, to: target.place, ...copied });
  else printLine(stdout, `copied ${source.place} to ${target.place}: ${formatCount(copied.bytes)} bytes`);
  return EXIT.ok;
}

/** Where a copy begins or ends: a place in a store, or a folder. */
async function openEnd(name: string, env: Environment, folderOf: () => Promise<string>): Promise<RunStore> {
  const { folderRun, parseRunPlace } = await import('@facet/storage');
  return isRunPlace(name) ? openPlacedRun(parseRunPlace(name), { env }) : folderRun(await folderOf());
}

function countOf(value: number | null): string {
  return value === null ? '-' : formatCount(value);
}

/** `2026-11-23 18:15`, in UTC. */
function minuteOf({ changedAt }: RunOverview): string {
  return changedAt.slice(0, 16).replace('T', ' ');
}
