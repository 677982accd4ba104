/**
 * What every bench does with its figures: medians, a table for people, one JSON object for programs.
 */
import { cpus, totalmem } from 'node:os';
import { execFileSync } from 'node:child_process';

/** The value below which a share of the sorted values lies. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** The middle value, or halfway between the two in the middle: the upper one alone would flatter every ratio. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}

/** What two things measured in the same turns are to each other: turn by turn, because a machine is not the same for long. */
export const medianRatio = (numerators, denominators) =>
  median(numerators.map((value, turn) => value / denominators[turn]));

/** Three significant digits: no bench knows more. */
export function round(value) {
  return Number(value.toPrecision(3));
}

/** A name made of words as the key of a figure: `mnist-fast`, `host ms` -> `mnistFastHostMs`. */
export function figureKey(...names) {
  const [first, ...rest] = names.join(' ').split(/[^a-zA-Z0-9]+/);
  return first + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

/** Where and on what a bench ran; belongs to every record. */
export function environment() {
  const [cpu] = cpus();
  return {
    date: new Date().toISOString(),
    commit: gitCommit(),
    node: process.version,
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

function gitCommit() {
  try {
    const short = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
    const isDirty =
      execFileSync('git', ['status', '--porcelain', '--untracked-files=no'], { encoding: 'utf8' }).trim() !== '';
    return isDirty ? `${short} with changes` : short;
  } catch {
    return 'unknown';
  }
}

/**
 * Prints rows as a table on stdout, or the whole result as one JSON line when --json was asked for. Notes are sentences on
 * how something was measured.
 */
export function publish({ bench, rows, figures, ratios, notes = [], isJson }) {
  if (isJson) {
    console.log(JSON.stringify({ bench, ...environment(), rows, figures, ratios, notes }));
    return;
  }
  console.table(rows);
  for (const [name, value] of Object.entries({ ...figures, ...ratios })) console.log(`${name}: ${format(value)}`);
  for (const note of notes) console.log(`note: ${note}`);
}

function format(value) {
  return typeof value === 'number' && !Number.isInteger(value) ? value.toPrecision(4) : String(value);
}
