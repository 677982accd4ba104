/**
 * The display of a running training on a terminal, as lines of text: a pure function of the coordinator's status. It is
 * redrawn several times a second. Its height changes only with the number of workers, so that it does not jump.
 */
import type { Status } from '@facet/proto';
import { visibleText } from '@facet/shared';
import {
  formatAccuracy,
  formatBar,
  formatCount,
  formatFigure,
  formatLoss,
  formatPercent,
  formatSeconds,
  counted,
} from '@facet/lab/data';
import type { Palette } from './palette.js';
import { sparkline } from './plot.js';
import { tableLines } from './table.js';

export interface FrameOptions {
  readonly columns: number;
  readonly rows: number;
  readonly palette: Palette;
  /** Of the steps that were seen so far, in their order. */
  readonly losses?: readonly number[];
}

const BAR_CELLS = 24;
/** Lines that are not workers. */
const OTHER_LINES = 9;

/** The lines of the display, none wider than the terminal. */
export function frameLines(status: Status, { columns, rows, palette, losses = [] }: FrameOptions): string[] {
  const fit = (line: string): string => (line.length > columns ? line.slice(0, columns) : line);
  const [head, ...workers] = workerLines(status).map(fit);
  const room = Math.max(1, rows - OTHER_LINES);
  const shown =
    workers.length > room ? [...workers.slice(0, room - 1), `... ${workers.length - room + 1} more`] : workers;
  return [
    palette.strong(fit(headline(status))),
    fit(progressLine(status)),
    fit(qualityLine(status)),
    ...(losses.length < 2 ? [] : [palette.faint(fit(`loss ${sparkline(losses, BAR_CELLS)}`))]),
    ...(status.mixedEngines === '' ? [] : [palette.bad(fit(status.mixedEngines))]),
    ...(status.stragglers === '' ? [] : [palette.bad(fit(`straggler: ${status.stragglers}`))]),
    ...(status.outliers === '' ? [] : [palette.bad(fit(`outlier: ${status.outliers}`))]),
    ...(status.checkpointFailure === '' ? [] : [palette.bad(fit(`no checkpoint: ${status.checkpointFailure}`))]),
    ...(status.lastFault === '' ? [] : [palette.bad(fit(`last fault: ${status.lastFault}`))]),
    ...(head === undefined || shown.length === 0 ? [] : [palette.faint(head), ...shown]),
  ];
}

/** The share of its epoch that a run has done, and which epoch that is, from 1. */
export function epochProgress({ step, totalSteps, epochs }: Status): {
  readonly epoch: number;
  readonly share: number;
} {
  const stepsPerEpoch = epochs === 0 ? 0 : totalSteps / epochs;
  if (stepsPerEpoch === 0 || step === 0) return { epoch: 1, share: 0 };
  const done = Math.min(step, totalSteps);
  // The last step of an epoch belongs to it: its bar is full, and not the next one's empty.
  const epoch = Math.ceil(done / stepsPerEpoch);
  return { epoch, share: done / stepsPerEpoch - (epoch - 1) };
}

function headline({ run, dataset, generation, workers, phase, detail }: Status): string {
  const members = workers.filter(({ isMember }) => isMember).length;
  // While it trains, the detail is the number of workers, which is here already.
  const isTraining = phase === 'training' || phase === 'evaluating';
  const what = isTraining || detail === '' ? phase : `${phase}: ${detail}`;
  return `${run}  ${dataset}, ${counted(members, 'worker')}, generation ${generation}  ${what}`;
}

function progressLine(status: Status): string {
  const { epochs, step, totalSteps, etaSeconds } = status;
  const { epoch, share } = epochProgress(status);
  const bar = formatBar(share, BAR_CELLS);
  const eta = etaSeconds > 0 ? formatSeconds(etaSeconds) : '-';
  return `epoch ${epoch}/${epochs} ${bar} ${formatPercent(share).padStart(7)}  step ${step}/${totalSteps}  eta ${eta}`;
}

function qualityLine(status: Status): string {
  const { loss, hasTrainAccuracy, trainAccuracy, samplesPerSecond, checkpointStep, faults, step } = status;
  const parts = [
    `loss ${step === 0 ? '-' : formatLoss(loss)}`,
    ...(step > 0 && !hasTrainAccuracy ? [] : [`train ${step === 0 ? '-' : formatPercent(trainAccuracy)}`]),
    ...(evaluated(status) ?? ['test -']),
    `${formatCount(samplesPerSecond)} images/s`,
    checkpointStep > 0 ? `checkpoint at step ${checkpointStep}` : 'no checkpoint yet',
    ...(faults > 0 ? [counted(faults, 'fault')] : []),
  ];
  return parts.join('  ');
}

/**
 * The figures of the last evaluation: the accuracy with the name of its split, or the loss where answers are no classes;
 * undefined before there was one.
 */
export function evaluated(status: Status): readonly string[] | undefined {
  const { hasTestAccuracy, testAccuracy, hasHeldOutAccuracy, heldOutAccuracy } = status;
  const { hasEvaluation, evaluationLoss, evaluationMetrics } = status;
  if (!hasEvaluation) return undefined;
  const figures = Object.entries(evaluationMetrics).map(([name, mean]) => `${visibleText(name)} ${formatFigure(mean)}`);
  if (hasHeldOutAccuracy) return [`held-out ${formatAccuracy(heldOutAccuracy)}`, ...figures];
  if (hasTestAccuracy) return [`test ${formatAccuracy(testAccuracy)}`, ...figures];
  return [`evaluated loss ${formatFigure(evaluationLoss)}`, ...figures];
}

function workerLines({ workers, mixedEngines }: Status): string[] {
  if (workers.length === 0) return [];
  const isMixed = mixedEngines !== '';
  const byRank = [...workers].sort((a, b) => Number(b.isMember) - Number(a.isMember) || a.rank - b.rank);
  return tableLines({
    header: [
      ...['rank', 'worker', 'state', 'images/s', 'step ms', 'wait', 'compute', 'all-reduce', 'update'],
      ...(isMixed ? ['engine'] : []),
    ],
    right: [0, 3, 4, 5, 6, 7, 8],
    rows: byRank.map(({ isMember, rank, workerId, state, samplesPerSecond, timings, engine, device }) => {
      const ms = (value: number | undefined): string =>
        timings === null || value === undefined ? '-' : value.toFixed(1);
      return [
        isMember ? String(rank) : '-',
        workerId,
        state,
        formatCount(samplesPerSecond),
        ms(timings?.totalMs),
        ms(timings?.shardWaitMs),
        ms(timings?.computeMs),
        ms(timings?.allReduceMs),
        ms(timings?.updateMs),
        ...(isMixed ? [engine === '' ? '-' : `${engine}/${device}`] : []),
      ];
    }),
  });
}
