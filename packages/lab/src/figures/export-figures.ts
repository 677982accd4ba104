/**
 * Writes the figures of a run for other tools. The ledger is read piece by piece and written piece by piece, so that memory
 * does not grow with the run. A run that trains meanwhile is exported as far as it was when the command began.
 */
import { existsSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { diskRefusal, makeFolder, readLedgerFile, TrainingError, type LedgerRecord } from '@facet/shared';
import { ratesOf } from '../evaluation/rates-of-run.js';
import { openCsvTable } from './csv-table.js';
import { FigureReader, type EvaluationFigures, type StepFigures } from './figure-reader.js';
import { evaluationColumns, stepColumns } from './figure-tables.js';
import { runConfigAt } from './run-options.js';
import type { TableFile } from './table-file.js';
import { exportEvents } from './tensorboard/export-events.js';
import type { LedgerEventsParts } from './tensorboard/ledger-events.js';
import { nextEventFile, otherEventFiles, ownEventFiles } from './tensorboard/written-events.js';

export const FIGURE_FORMATS = ['csv', 'parquet', 'tensorboard'] as const;
export type FigureFormat = (typeof FIGURE_FORMATS)[number];

/** What is exported, and where to. */
export interface FigureExport {
  readonly ledger: string;
  /** The configuration of the run. */
  readonly config: string;
  readonly checkpoints: string;
  readonly format: FigureFormat;
  /** A folder, made where there is none. */
  readonly folder: string;
  /** Whether files of an earlier export are written over. */
  readonly existing: 'replace' | 'refuse';
}

export interface ExportedFigures {
  /** Committed steps. */
  readonly steps: number;
  readonly evaluations: number;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly warnings: readonly string[];
}

/**
 * Exports the figures of a run.
 *
 * @throws TrainingError OUTPUT_EXISTS; LEDGER_INVALID when no step and no run can be read; DISK_REFUSED.
 */
export async function exportFigures(wanted: FigureExport): Promise<ExportedFigures> {
  const survey = await surveyOf(wanted.ledger);
  const loaded = await runConfigAt(wanted.config);
  const run = loaded.ok ? { config: loaded.config, rateAt: ratesOf(loaded.config) } : undefined;
  const warnings = [
    ...survey.warnings,
    ...(loaded.ok ? [] : [`${wanted.config}: ${loaded.reason}; the learning rate and the options are left out`]),
  ];
  try {
    await makeFolder(wanted.folder);
    const written =
      wanted.format === 'tensorboard' ? await writeEvents(wanted, run) : await writeTables(wanted, survey, run);
    return { ...written, warnings };
  } catch (caught) {
    throw diskRefusal(caught, 'name another folder with --out, or give this user the right to it') ?? caught;
  }
}

/** What must be known before the first line is written. */
interface Survey {
  readonly records: number;
  readonly stepMetrics: readonly string[];
  readonly evaluationMetrics: readonly string[];
  readonly warnings: readonly string[];
}

async function surveyOf(ledger: string): Promise<Survey> {
  const [ofSteps, ofEvaluations] = [new Set<string>(), new Set<string>()];
  let records = 0;
  const { damagedLines } = await readLedgerFile(ledger, (record) => {
    records += 1;
    if (!('metrics' in record) || record.metrics === undefined) return;
    const names = record.kind === 'commit' ? ofSteps : ofEvaluations;
    if (record.kind !== 'replay') for (const name of Object.keys(record.metrics)) names.add(name);
  });
  if (records === 0) {
    throw new TrainingError('LEDGER_INVALID', `${ledger} has no record that can be read; restore it from a copy`);
  }
  const damage = `${ledger} has ${damagedLines} damaged lines, which are left out; \`facet ledger check\` names them`;
  const warnings = damagedLines === 0 ? [] : [damage];
  return { records, stepMetrics: [...ofSteps], evaluationMetrics: [...ofEvaluations], warnings };
}

async function writeTables(
  { ledger, format, folder, existing }: FigureExport,
  { records, stepMetrics, evaluationMetrics }: Survey,
  run: LedgerEventsParts['run'],
): Promise<Omit<ExportedFigures, 'warnings'>> {
  const names = [`steps.${format}`, `evaluations.${format}`] as const;
  const paths = names.map((name) => path.join(folder, name)) as [string, string];
  if (existing === 'refuse') refuseExisting(paths.filter((file) => existsSync(file)));
  const open = format === 'csv' ? openCsvTable : (await import('./parquet-table.js')).openParquetTable;
  const steps: TableFile<StepFigures> = open(paths[0], stepColumns(stepMetrics));
  let evaluations: TableFile<EvaluationFigures> | undefined;
  try {
    const second = open<EvaluationFigures>(paths[1], evaluationColumns(evaluationMetrics));
    evaluations = second;
    const reader = new FigureReader(
      {
        onStep: (row) => {
          steps.add(row);
        },
        onEvaluation: (row) => {
          second.add(row);
        },
      },
      run?.rateAt,
    );
    await readFirst(records, ledger, (record) => {
      reader.add(record);
    });
    const [ofSteps, ofEvaluations] = [steps.end(), second.end()];
    return {
      steps: ofSteps.rows,
      evaluations: ofEvaluations.rows,
      files: [ofSteps, ofEvaluations].map(({ bytes }, index) => ({ name: names[index]!, bytes })),
    };
  } finally {
    steps.discard();
    evaluations?.discard();
  }
}

/** So many records: those that came since may have figures for which there is no column. */
async function readFirst(count: number, ledger: string, onRecord: (record: LedgerRecord) => void): Promise<void> {
  let left = count;
  await readLedgerFile(ledger, (record) => {
    if (left > 0) onRecord(record);
    left -= 1;
  });
}

async function writeEvents(
  { ledger, checkpoints, folder, existing }: FigureExport,
  run: LedgerEventsParts['run'],
): Promise<Omit<ExportedFigures, 'warnings'>> {
  const [own, others] = [ownEventFiles(folder), otherEventFiles(folder)];
  const inTheWay = existing === 'refuse' ? [...own, ...others] : others;
  refuseExisting(inTheWay.map((name) => path.join(folder, name)));
  const file = path.join(folder, nextEventFile(own, { nowMs: Date.now(), host: hostname() }));
  const { name, bytes, steps, evaluations } = await exportEvents({ ledger, checkpoints, run, file });
  for (const earlier of own) rmSync(path.join(folder, earlier), { force: true });
  return { steps, evaluations, files: [{ name, bytes }] };
}

/** @throws TrainingError OUTPUT_EXISTS when there are any. */
function refuseExisting(files: readonly string[]): void {
  if (files.length === 0) return;
  throw new TrainingError(
    'OUTPUT_EXISTS',
    `${files.join(' and ')} ${files.length === 1 ? 'exists' : 'exist'}; name another folder with --out, or write over earlier exports with --force`,
  );
}
