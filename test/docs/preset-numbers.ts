/**
 * Numbers of presets in the documentation against PRESET_RECORDS. Two forms are understood: a table with a row per preset,
 * whose header says what a column is, and "`preset` (N parameters)". docs/results keeps what was measured once, one row
 * per measurement, and is left alone.
 */
import { PRESET_RECORDS, type PresetName, type PresetRecord } from '@facet/multiview/config';
import type { Page, Table } from './markdown.js';

/** What a column may be called, and what it must say; a cell without a digit says nothing. */
const COLUMNS: readonly {
  readonly header: RegExp;
  readonly expected: (record: PresetRecord, cell: string) => string;
}[] = [
  { header: /^parameters$/, expected: ({ parameters }) => parameters.toLocaleString('en') },
  { header: /^MMACs/, expected: ({ macsPerImage }) => (macsPerImage / 1e6).toFixed(1) },
  { header: /accuracy/, expected: ({ testAccuracy }) => `${(testAccuracy * 100).toFixed(2)} %` },
  { header: /time|seconds/, expected: ({ seconds }, cell) => duration(seconds, cell) },
];

/** One line for each number of a page that differs from the record. */
export function presetNumberProblems({ file, tables, prose }: Page): string[] {
  if (file.startsWith('docs/results/')) return [];
  const inTables = tables.flatMap(tableProblems);
  const inText = [...prose.matchAll(/`([\w-]+)` \(([\d,]+)\s+parameters\)/g)].flatMap(([said, name, number]) => {
    const record = recordOf(name!);
    const expected = record?.parameters.toLocaleString('en');
    return expected === undefined || number === expected ? [] : [`${file}: ${said}: expected ${expected}`];
  });
  return [...inTables, ...inText];
}

function tableProblems({ at, rows }: Table): string[] {
  const [header = [], ...body] = rows;
  return body.flatMap((row) => {
    const name = (row[0] ?? '').replaceAll('`', '');
    const record = recordOf(name);
    if (record === undefined) return [];
    return COLUMNS.flatMap(({ header: title, expected }) => {
      const cell = row[header.findIndex((text) => title.test(text))] ?? '';
      if (!/\d/.test(cell)) return [];
      const wanted = expected(record, cell);
      return cell.replaceAll('*', '') === wanted ? [] : [`${at}: ${name}: ${cell}, expected ${wanted}`];
    });
  });
}

/** Seconds as a cell writes them: in minutes if it says minutes, otherwise in seconds. */
function duration(seconds: number, cell: string): string {
  return cell.endsWith(' min') ? `${Math.round(seconds / 60)} min` : `${seconds.toLocaleString('en')} s`;
}

function recordOf(name: string): PresetRecord | undefined {
  return Object.hasOwn(PRESET_RECORDS, name) ? PRESET_RECORDS[name as PresetName] : undefined;
}
