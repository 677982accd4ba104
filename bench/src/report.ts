/** Where a bench ran, and its report: a table for people, one line of JSON for programs. */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import type { Bench, Environment, Measurements, Report } from './bench.js';

/** The report of what a bench measured just now. */
export function reportOf(
  bench: Pick<Bench, 'name'>,
  isSmall: boolean,
  measured: Measurements<unknown, unknown, unknown>,
): Report {
  const { rows, figures, ratios, notes = [], failures = [] } = measured;
  return { bench: bench.name, isSmall, ...environment(), rows, figures, ratios, notes, failures };
}

/** Where a report differs from the shape that the bench promises; undefined when it does not. */
export function shapeFault(bench: Pick<Bench, 'report'>, report: Report): string | undefined {
  const parsed = bench.report.safeParse(report);
  if (parsed.success) return undefined;
  return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
}

/** Prints a report on stdout. */
export function printReport(report: Report, { isJson }: { readonly isJson: boolean }): void {
  if (isJson) {
    console.log(JSON.stringify(report));
    return;
  }
  console.table(report.rows);
  for (const [name, value] of Object.entries({ ...(report.figures as object), ...(report.ratios as object) })) {
    console.log(`${name}: ${format(value)}`);
  }
  for (const note of report.notes) console.log(`note: ${note}`);
}

function format(value: unknown): string {
  return typeof value === 'number' && !Number.isInteger(value) ? value.toPrecision(4) : String(value);
}

function environment(): Environment {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    commit: gitCommit(),
    node: process.version,
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

function gitCommit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    const short = git('rev-parse', '--short', 'HEAD');
    return git('status', '--porcelain', '--untracked-files=no') === '' ? short : `${short} with changes`;
  } catch {
    return 'unknown';
  }
}
