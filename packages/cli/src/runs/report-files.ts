/**
 * Where a command leaves its report, and how: a JSON document and the page that is drawn from it, side by side. Each file
 * appears whole or not at all, and an earlier one stays until then. What stands in them is the command's business.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { makeFolder, TrainingError, writeWhole } from '@facet/shared';
import { holdsRun } from './run-folders.js';

export interface ReportFiles {
  /** The document. */
  readonly file: string;
  readonly page: string;
  /** Whether somebody asked for this place; else it was chosen, and reports are left out where it cannot be written. */
  readonly isNamed: boolean;
}

export interface ReportContent {
  readonly document: object;
  /** The text of the page. */
  readonly page: string;
}

/** What became of a report. */
export type ReportOutcome = { readonly ok: true } | { readonly ok: false; readonly warning: string };

/** Adds the flag --report. */
export function addReportOption(command: Command, name: string): Command {
  return command.option(
    '--report <path>',
    `folder, or .html file, for the report (default: ${name}.html and ${name}.json in the run's folder)`,
  );
}

/**
 * The files of a report: where `--report` says, else in the folder of the run that the checkpoint belongs to; a checkpoint
 * that stands alone keeps its report itself.
 */
export function reportFiles(
  name: string,
  { named, checkpoint }: { readonly named: string | undefined; readonly checkpoint: string },
): ReportFiles {
  if (named === undefined) {
    const run = path.dirname(path.dirname(checkpoint));
    return { ...pairIn(holdsRun(run) ? run : checkpoint, name), isNamed: false };
  }
  return reportFilesAt(named, name);
}

/**
 * The files of a report in a folder, or beside a file, that somebody named.
 *
 * @throws TrainingError CONFIG_INVALID for a file that is neither .html nor .json.
 */
export function reportFilesAt(named: string, name: string): ReportFiles {
  const { dir, name: stem, ext } = path.parse(path.resolve(named));
  const isFile = ext === '.html' || ext === '.json';
  // Who writes `x.pdf` means a file. A folder may be called `v1.5`, or be there already.
  if (!isFile && /^\.[a-z]/i.test(ext) && !existsSync(named)) {
    const expected = 'a .html or .json file, a folder that exists, or the name of a new one without an ending';
    throw new TrainingError('CONFIG_INVALID', `--report: '${named}' ends in ${ext}, expected ${expected}`);
  }
  return { ...(isFile ? pairIn(dir, stem) : pairIn(path.resolve(named), name)), isNamed: true };
}

/**
 * Writes both files, making their folder where there is none.
 *
 * @throws TrainingError CONFIG_INVALID when a place that was asked for cannot be written.
 */
export async function writeReport(
  { file, page, isNamed }: ReportFiles,
  content: ReportContent,
): Promise<ReportOutcome> {
  try {
    await makeFolder(path.dirname(file));
    // What lies in a run's folder is its owner's; a place that somebody named is as others are there.
    const readers = isNamed ? 'as-umask-says' : 'owner';
    await writeWhole(file, `${JSON.stringify(content.document, null, 2)}\n`, readers);
    await writeWhole(page, content.page, readers);
    return { ok: true };
  } catch (caught) {
    const reason = `the report could not be written to ${path.dirname(file)}: ${(caught as Error).message}`;
    if (!isNamed) return { ok: false, warning: `${reason}; name another folder with --report` };
    throw new TrainingError('CONFIG_INVALID', `--report: ${reason}; name a folder that you may write`, {
      cause: caught,
    });
  }
}

function pairIn(folder: string, stem: string): Pick<ReportFiles, 'file' | 'page'> {
  return { file: path.join(folder, `${stem}.json`), page: path.join(folder, `${stem}.html`) };
}
