/**
 * The result of a run in a few lines for people: accuracy, proof, where things are, and what to do next.
 */
import type { RunResult } from '@facet/coordinator';
import { formatAccuracy, formatCount, formatFigure, formatLoss, formatSeconds, counted } from '@facet/lab/data';

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

type Row = readonly [label: string, value: string];

function rowsOf(result: RunResult, restarts: number): Row[] {
  const { trainLoss, weightsSha256, checkpoint, faults } = result;
  const rate = `${formatCount(result.imagesPerSecond)} images/s`;
  const workers = `${counted(result.workers, 'worker')}, ${counted(result.generations, 'generation')}, ${counted(faults, 'fault')}${restarts === 0 ? '' : `, ${counted(restarts, 'restart')}`}`;
  return [
    ...qualityRows(result),
    ['train loss', trainLoss === undefined ? '-' : formatLoss(trainLoss)],
    ['time', `${formatSeconds(result.trainSeconds)} training, ${formatSeconds(result.wallSeconds)} in all, ${rate}`],
    ['steps', `${formatCount(result.steps)} in ${counted(result.epochs, 'epoch')}`],
    ...(result.earlyEnd === undefined ? [] : [['ended early', result.earlyEnd] as const]),
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

/** Of which samples the figures are, and of which weights when they are not simply the last ones. */
function qualityRows({ testAccuracy, heldOutAccuracy, evaluation, evaluatedWeights }: RunResult): Row[] {
  const accuracy = heldOutAccuracy ?? testAccuracy;
  const split = heldOutAccuracy === undefined ? 'test' : 'held-out';
  const label = `${split} accuracy`;
  const of = evaluatedWeights === 'average' ? ' of the averaged weights' : '';
  const figures = Object.entries(evaluation?.metrics ?? {}).map(([name, mean]): Row => [name, formatFigure(mean)]);
  if (accuracy !== undefined) {
    const loss = evaluation === undefined ? [] : [[`${split} loss`, formatFigure(evaluation.loss)] as const];
    return [[label, `${formatAccuracy(accuracy)}${of}`], ...loss, ...figures];
  }
  if (!evaluation) return [[label, 'not evaluated']];
  return [['evaluated loss', `${formatFigure(evaluation.loss)}${of}`], ...figures];
}

function nextCommands({ run, outcome, checkpoint, earlyEnd }: RunResult): string[] {
  if (outcome !== 'finished') return [`next: facet resume ${run}`];
  if (earlyEnd !== undefined) {
    return [`next: facet evaluate ${run}    facet resume ${run} --epochs N --stop-when none    (to train on)`];
  }
  return checkpoint === undefined ? [] : [`next: facet evaluate ${run}    facet ledger check ${run}`];
}
