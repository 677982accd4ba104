/**
 * `facet dataset fetch|verify`: gets a dataset ready on this machine, or says exactly which file of it is wrong.
 */
import type { Command } from 'commander';
import {
  fetchDataset,
  verifyDataset,
  type DatasetReport,
  type DatasetSource,
  type FetchProgress,
} from '@facet/datasets';
import { DATASETS, suggestion, TrainingError } from '@facet/shared';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { describeProgress, openProgressLine } from '../display/fetch-progress.js';
import { formatBytes } from '@facet/lab/data';
import { tableLines } from '../display/table.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { listenForStop } from '../launch/stop-signals.js';

interface DatasetOptions {
  readonly folder?: string;
  readonly json?: boolean;
}

export function addDatasetCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const dataset = program.command('dataset').description('fetch and verify datasets');
  const names = DATASETS.join(', ');
  dataset
    .command('fetch <name>')
    .description(`make sure that a dataset (${names}) is on this machine`)
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet dataset fetch cifar10')
    .action((name: string, options: DatasetOptions) => run(() => fetch(sourceOf(name, options), options, context)));
  dataset
    .command('verify <name>')
    .description(`check every file of a dataset (${names})`)
    .option('--folder <folder>', 'check the files in this folder instead of the default source')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet dataset verify mnist')
    .action((name: string, options: DatasetOptions) => run(() => verify(sourceOf(name, options), options, context)));
}

function sourceOf(name: string, { folder }: DatasetOptions): DatasetSource {
  const known = DATASETS.find((dataset) => dataset === name);
  if (known !== undefined) return { name: known, folder };
  const expected = `expected one of ${DATASETS.join(', ')}`;
  throw new TrainingError('CONFIG_INVALID', `there is no dataset '${name}', ${expected}${suggestion(name, DATASETS)}`);
}

async function fetch(source: DatasetSource, { json }: DatasetOptions, context: CliContext): Promise<ExitCode> {
  using signals = listenForStop(context);
  using line = openProgressLine(json ? context.stderr : context.stdout);
  let folder = '';
  await fetchDataset(source, {
    signal: signals.stop,
    onProgress: (progress: FetchProgress) => {
      if (progress.kind === 'ready') ({ folder } = progress);
      line.show(describeProgress(progress), progress.kind === 'downloading' || progress.kind === 'converting');
    },
  });
  if (json) printJson(context.stdout, { dataset: source.name, folder, ok: true });
  return EXIT.ok;
}

async function verify(source: DatasetSource, { json }: DatasetOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, stderr } = context;
  const report = await verifyDataset(source);
  if (json) printJson(stdout, report);
  else for (const line of reportLines(report)) printLine(stdout, line);
  if (report.ok) return EXIT.ok;
  printLine(stderr, `error [DATASET_INVALID]: ${report.problem}`);
  return EXIT.usage;
}

function reportLines({ name, folder, files, sha256, ok }: DatasetReport): string[] {
  return [
    `${name} in ${folder}`,
    ...tableLines({
      header: ['file', 'size', 'digest', ''],
      right: [1],
      rows: files.map((file) => [
        file.name,
        file.bytes === null ? '-' : formatBytes(file.bytes),
        file.digest ?? '-',
        file.ok ? (file.isCanonical === false ? 'ok, not the published file' : 'ok') : 'WRONG',
      ]),
    }),
    ...files.flatMap(({ problem }) => (problem === null ? [] : [`problem: ${problem}`])),
    ...(ok ? [`ok, content sha256 ${sha256}`] : []),
  ];
}
