/** `facet runs compare`: curves and figures of runs beside each other, on the terminal and as a page. */
import path from 'node:path';
import type { Command } from 'commander';
import {
  compareRuns,
  differenceCells,
  differencesText,
  formatPercent,
  RUN_COLUMNS,
  runCells,
  type Comparison,
  type RunFacts,
} from '@facet/lab/data';
import { readRunHistory, TrainingError } from '@facet/shared';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { letterOf, plotLines } from '../display/plot.js';
import { tableLines } from '../display/table.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { reportFilesAt, writeReport } from '../runs/report-files.js';
import { reportMaker } from '../runs/report-maker.js';
import { runsFolder } from '../runs/run-folders.js';
import { readStoredConfig } from '../runs/run-overview.js';
import { findRun } from '../runs/run-place.js';

interface CompareOptions {
  readonly report?: string;
  readonly json?: boolean;
}

/** As many as have a letter of their own, and more than anybody tells apart. */
const MOST_RUNS = 26;
const PLOT_ROWS = 10;
const MOST_COLUMNS = 100;
const PLAIN_COLUMNS = 80;

export function addCompareCommand(
  runs: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  runs
    .command('compare <run...>')
    .description('show curves and figures of runs beside each other, and where their configurations differ')
    .option('--report <path>', 'folder, or .html file, for the page (default: comparison.html in the runs folder)')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet runs compare baseline wider nats://127.0.0.1:4222/third')
    .action((names: readonly string[], options: CompareOptions) => run(() => compare(names, options, context)));
}

async function compare(
  given: readonly string[],
  { report, json }: CompareOptions,
  context: CliContext,
): Promise<ExitCode> {
  const { env, stdout, stderr } = context;
  const names = [...new Set(given)];
  if (names.length < 2 || names.length > MOST_RUNS) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `there ${names.length === 1 ? 'is 1 run' : `are ${names.length} runs`} to compare, expected 2 to ${MOST_RUNS} different ones`,
    );
  }
  const facts: RunFacts[] = [];
  for (const name of names) facts.push(await factsOf(name, context));
  const comparison = compareRuns(facts, await reportMaker(context));
  const files =
    report === undefined
      ? { ...reportFilesAt(path.join(runsFolder(env), 'comparison.html'), 'comparison'), isNamed: false }
      : reportFilesAt(report, 'comparison');
  const { comparisonPage } = await import('@facet/lab/reports');
  const written = await writeReport(files, { document: comparison, page: comparisonPage(comparison) });
  if (!written.ok) printLine(stderr, `warning: ${written.warning}`);
  const page = written.ok ? files.page : null;
  if (json) {
    const { curves: _curves, ...rest } = comparison;
    printJson(stdout, { ...rest, page, file: written.ok ? files.file : null });
    return EXIT.ok;
  }
  const columns = Math.min(stdout.columns ?? PLAIN_COLUMNS, MOST_COLUMNS);
  for (const line of comparisonLines(comparison, columns)) printLine(stdout, line);
  if (page !== null) printLine(stdout, `\npage: ${page}`);
  return EXIT.ok;
}

async function factsOf(name: string, context: CliContext): Promise<RunFacts> {
  const { paths } = await findRun(name, context, { checkpoints: 'none' });
  return {
    name: path.basename(paths.folder),
    history: await readRunHistory(paths.ledger),
    config: await readStoredConfig(paths),
  };
}

/** What the terminal shows. */
export function comparisonLines({ runs, differences, cautions, curves }: Comparison, columns: number): string[] {
  const numbers = RUN_COLUMNS.flatMap((_, column) => (column > 1 ? [column + 1] : []));
  const loss = plotLines({ series: curves.map((each) => ({ points: each.loss })), columns, rows: PLOT_ROWS });
  const accuracy = plotLines({
    series: curves.map((each) => ({ points: each.evaluatedAccuracy })),
    ...{ columns, rows: PLOT_ROWS, formatY: formatPercent },
  });
  return [
    ...tableLines({
      header: ['', ...RUN_COLUMNS],
      rows: runs.map((run, index) => [letterOf(index), ...runCells(run)]),
      right: numbers,
    }),
    ...cautions.map((caution) => caution),
    ...(loss.length === 0 ? [] : ['', 'loss of training over epochs', ...loss]),
    ...(accuracy.length === 0 ? [] : ['', 'evaluated accuracy over epochs', ...accuracy]),
    '',
    differencesText(differences),
    ...(differences.length === 0
      ? []
      : tableLines({ header: ['key', ...runs.map(({ name }) => name)], rows: differences.map(differenceCells) })),
  ];
}
