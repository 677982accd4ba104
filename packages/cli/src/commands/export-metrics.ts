/**
 * `facet export-metrics`: the figures of a run for other tools. Everything comes from its ledger, so that it works for a run
 * that trains, has ended, or crashed, on this machine or in a store.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { counted } from '@facet/lab/data';
import type { ExportedFigures, FigureFormat } from '@facet/lab/figures';
import { suggestion, TrainingError } from '@facet/shared';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { fileLines } from '../display/file-lines.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { findRun } from '../runs/run-place.js';

interface ExportMetricsOptions {
  readonly format: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function addExportMetricsCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('export-metrics <run>')
    .description('write the figures of every step and evaluation as CSV, Parquet or TensorBoard event files')
    .usage('[options] <run name | run folder | place in a store>')
    .requiredOption('--format <name>', 'csv, parquet or tensorboard')
    .option('--out <folder>', 'where the files go (default: RUN-FORMAT in the current folder)')
    .option('--force', 'write over the files of an earlier export')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  facet export-metrics mnist-fast-20261123-181500 --format csv\n  facet export-metrics mnist-fast-20261123-181500 --format tensorboard --out board',
    )
    .action((name: string, options: ExportMetricsOptions) => run(() => exportMetrics(name, options, context)));
}

async function exportMetrics(name: string, options: ExportMetricsOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, stderr } = context;
  const { exportFigures, FIGURE_FORMATS } = await import('@facet/lab/figures');
  const format = readFormat(options.format, FIGURE_FORMATS);
  // Only event files have something of the weights.
  const { paths, warnings } = await findRun(name, context, {
    checkpoints: format === 'tensorboard' ? 'newest' : 'none',
  });
  const run = path.basename(paths.folder);
  const out = path.resolve(options.out ?? `${run}-${format}`);
  // TensorBoard calls a run what its folder below the one that it is given is called.
  const folder = format === 'tensorboard' ? path.join(out, run) : out;
  const { ledger, config, checkpoints } = paths;
  const existing = options.force ? 'replace' : 'refuse';
  const exported = await exportFigures({ ledger, config, checkpoints, format, folder, existing });
  const all = [...warnings, ...exported.warnings];
  for (const warning of all) printLine(stderr, `warning: ${warning}`);
  if (options.json) printJson(stdout, { run, format, folder, ...exported, warnings: all });
  else for (const line of exportLines(exported, folder)) printLine(stdout, line);
  if (!options.json && format === 'tensorboard') printLine(stdout, `look at them with: tensorboard --logdir ${out}`);
  return EXIT.ok;
}

function readFormat(text: string, formats: readonly FigureFormat[]): FigureFormat {
  const format = formats.find((known) => known === text);
  if (format !== undefined) return format;
  const expected = `expected one of ${formats.join(', ')}${suggestion(text, formats)}`;
  throw new TrainingError('CONFIG_INVALID', `--format: '${text}', ${expected}`);
}

function exportLines({ steps, evaluations, files }: ExportedFigures, folder: string): string[] {
  return [...fileLines(folder, files), '', `${counted(steps, 'step')} and ${counted(evaluations, 'evaluation')}`];
}
