/** A comparison in words and cells, for pages and terminals. */
import { counted } from '../words/counted.js';
import { formatAccuracy, formatCount, formatLoss, formatSeconds } from '../words/format.js';
import type { ComparedRun, Difference, Evaluated } from './compare-runs.js';

/** Columns of the table of runs; the first one is the name, the others are numbers but for the state. */
export const RUN_COLUMNS = [
  ...['run', 'state', 'epochs', 'steps', 'best', 'at epoch', 'last', 'train loss', 'samples/s', 'training', 'faults'],
] as const;

/** The cells of a run, under RUN_COLUMNS. */
export function runCells(run: ComparedRun): string[] {
  const { name, state, epochs, steps, best, last, trainLoss, samplesPerSecond, trainSeconds, faults } = run;
  return [
    name,
    state === 'open' ? 'not ended' : state,
    formatCount(Number(epochs.toFixed(1))),
    formatCount(steps),
    figureOf(best),
    best === undefined || steps === 0 ? '-' : formatCount(Number(((best.step * epochs) / steps).toFixed(1))),
    figureOf(last),
    trainLoss === undefined ? '-' : formatLoss(trainLoss),
    samplesPerSecond === undefined ? '-' : formatCount(samplesPerSecond),
    formatSeconds(trainSeconds),
    formatCount(faults),
  ];
}

/** The accuracy, or the loss where answers are no classes. */
function figureOf(evaluated: Evaluated | undefined): string {
  if (evaluated === undefined) return '-';
  return evaluated.accuracy === undefined ? `loss ${formatLoss(evaluated.loss)}` : formatAccuracy(evaluated.accuracy);
}

/** The cells of a difference: the key, and the value of every run. */
export function differenceCells({ key, values }: Difference): string[] {
  return [key, ...values.map((value) => (value === null ? '-' : textOf(value)))];
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** What the table of differences says when it is empty or not. */
export function differencesText(differences: readonly Difference[]): string {
  return differences.length === 0
    ? 'Their configurations do not differ, but for names and places.'
    : `Their configurations differ in ${counted(differences.length, 'key')}.`;
}
