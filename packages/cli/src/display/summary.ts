/**
 * The result of a run in a few lines for people: accuracy, proof, where things are, and what to do next.
 */
import type { RunResult } from '@facet/coordinator';
import { formatAccuracy, formatCount, formatLoss, formatSeconds } from './format.js';
import { counted } from './frame.js';

/**
 * The lines of the summary.
 *
 * @param restarts workers that were started in the place of others
 */
export function summaryLines(result: RunResult, restarts = 0): string[] {
  const { run, outcome, message, warnings } = result;
  const why = outcome === 'finished' || message === undefined ? '' : `: ${message}`;
  const rows = rowsOf(result, restarts);
  const width = Math.max(...rows.map(([label]) => label.length));
  return [
    `run ${run} ${outcome}${why}`,
    ...rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`),
    ...warnings.map((warning) => `warning: ${warning}`),
    ...nextCommands(result),
  ];
}

function rowsOf(result: RunResult, restarts: number): (readonly [label: string, value: string])[] {
  const { trainLoss, weightsSha256, checkpoint, faults } = result;
  const rate = `${formatCount(result.imagesPerSecond)} images/s`;
  const workers = `${counted(result.workers, 'worker')}, ${counted(result.generations, 'generation')}, ${counted(faults, 'fault')}${restarts === 0 ? '' : `, ${counted(restarts, 'restart')}`}`;
  return [
    accuracyRow(result),
    ['train loss', trainLoss === undefined ? '-' : formatLoss(trainLoss)],
    ['time', `${formatSeconds(result.trainSeconds)} training, ${formatSeconds(result.wallSeconds)} in all, ${rate}`],
    ['steps', `${formatCount(result.steps)} in ${counted(result.epochs, 'epoch')}`],
    ['workers', workers],
    ['engine', result.engines.length === 0 ? '-' : result.engines.join(', ')],
    ['ledger', ledgerText(result)],
    ['weights', weightsSha256 === undefined ? 'no checkpoint' : `sha256 ${weightsSha256}`],
    ['checkpoint', checkpoint ?? 'none'],
  ];
}

/** What the ledger proves, and nothing more. */
function ledgerText({ ledger, outcome }: RunResult): string {
  if (ledger === undefined) return 'could not be read: nothing is proven';
  const { clean, expected, committed, missing, duplicated, foreign } = ledger;
  const counts = `${formatCount(committed)} of ${formatCount(expected)} committed, ${formatCount(missing)} missing, ${formatCount(duplicated)} duplicated`;
  if (clean) return `every sample exactly once per epoch: ${counts}`;
  const isUnfinished = outcome !== 'finished' && missing > 0 && duplicated + foreign === 0;
  return `${isUnfinished ? 'unfinished' : 'NOT clean'}: ${counts}`;
}

/** Of which images the accuracy is, and of which weights when they are not simply the last ones. */
function accuracyRow({ testAccuracy, heldOutAccuracy, evaluatedWeights }: RunResult): readonly [string, string] {
  const accuracy = heldOutAccuracy ?? testAccuracy;
  const label = heldOutAccuracy === undefined ? 'test accuracy' : 'held-out accuracy';
  if (accuracy === undefined) return [label, 'not evaluated'];
  return [label, `${formatAccuracy(accuracy)}${evaluatedWeights === 'average' ? ' of the averaged weights' : ''}`];
}

function nextCommands({ run, outcome, checkpoint }: RunResult): string[] {
  if (outcome !== 'finished') return [`next: facet resume ${run}`];
  return checkpoint === undefined ? [] : [`next: facet evaluate ${run}    facet ledger check ${run}`];
}
