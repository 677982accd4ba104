/**
 * Progress without a terminal: a line when the phase changes, at the end of every epoch, and every ten seconds in
 * between. A pure step from what was printed to what to print now.
 */
import type { Status } from '@facet/proto';
import { formatCount, formatLoss, formatPercent, formatSeconds } from '@facet/lab/data';
import { epochProgress, evaluated } from './frame.js';

const INTERVAL_MS = 10_000;

/** What has been printed so far. */
export interface PlainProgress {
  readonly phase: string;
  /** The last epoch, from 1, whose end was printed; -1 before the first status. */
  readonly endedEpoch: number;
  readonly printedAtMs: number;
  readonly lastFault: string;
  readonly mixedEngines: string;
  readonly checkpointFailure: string;
  readonly stragglers: string;
  readonly outliers: string;
}

/** Nothing printed yet. */
export function startPlainProgress(nowMs: number): PlainProgress {
  const said = { lastFault: '', mixedEngines: '', checkpointFailure: '', stragglers: '', outliers: '' };
  return { phase: '', endedEpoch: -1, printedAtMs: nowMs, ...said };
}

/** The lines that a new status calls for. */
export function plainLines(
  before: PlainProgress,
  status: Status,
  nowMs: number,
): { readonly lines: readonly string[]; readonly progress: PlainProgress } {
  const lines: string[] = [];
  const ended = endedEpochs(status);
  // The first status of a resumed run is not news.
  const known = before.endedEpoch < 0 ? ended : before.endedEpoch;
  let { printedAtMs } = before;
  // An evaluation belongs to the training around it: neither its begin nor its end is a change.
  const phase = status.phase === 'evaluating' ? 'training' : status.phase;
  if (phase !== before.phase) lines.push(`${phase}${status.detail === '' ? '' : `: ${status.detail}`}`);
  if (status.mixedEngines !== '' && status.mixedEngines !== before.mixedEngines)
    lines.push(`warning: ${status.mixedEngines}`);
  if (status.checkpointFailure !== '' && status.checkpointFailure !== before.checkpointFailure)
    lines.push(`warning: no checkpoint: ${status.checkpointFailure}`);
  if (status.stragglers !== '' && status.stragglers !== before.stragglers)
    lines.push(`warning: straggler: ${status.stragglers}`);
  if (status.outliers !== '' && status.outliers !== before.outliers) lines.push(`warning: outlier: ${status.outliers}`);
  if (status.lastFault !== '' && status.lastFault !== before.lastFault) lines.push(`fault: ${status.lastFault}`);
  if (ended > known) {
    lines.push(epochLine(status, ended));
    printedAtMs = nowMs;
  } else if (nowMs - printedAtMs >= INTERVAL_MS && status.step > 0) {
    lines.push(stepLine(status));
    printedAtMs = nowMs;
  }
  const { lastFault, mixedEngines, checkpointFailure, stragglers, outliers } = status;
  const said = { lastFault, mixedEngines, checkpointFailure, stragglers, outliers };
  return { lines, progress: { phase, endedEpoch: ended, printedAtMs, ...said } };
}

/** Epochs whose evaluation is over as well. */
function endedEpochs({ step, totalSteps, epochs, phase }: Status): number {
  if (totalSteps === 0) return 0;
  const stepsPerEpoch = totalSteps / epochs;
  const whole = Math.floor(step / stepsPerEpoch);
  const isAtEnd = step > 0 && step % stepsPerEpoch === 0;
  const isOver = phase === 'finished' || phase === 'stopping';
  return isAtEnd && !isOver ? whole - 1 : whole;
}

function epochLine(status: Status, epoch: number): string {
  const quality = evaluated(status);
  const head = `epoch ${epoch}/${status.epochs} done`;
  return [head, `loss ${formatLoss(status.loss)}`, ...trained(status), ...(quality ?? []), rate(status)].join('  ');
}

function stepLine(status: Status): string {
  const { epoch } = epochProgress(status);
  const head = `epoch ${epoch}/${status.epochs}  step ${status.step}/${status.totalSteps}`;
  return [head, `loss ${formatLoss(status.loss)}`, ...trained(status), rate(status)].join('  ');
}

/** The training accuracy, where answers are right or wrong. */
function trained({ hasTrainAccuracy, trainAccuracy }: Status): string[] {
  return hasTrainAccuracy ? [`train ${formatPercent(trainAccuracy)}`] : [];
}

function rate({ samplesPerSecond, etaSeconds }: Status): string {
  return `${formatCount(samplesPerSecond)} images/s${etaSeconds > 0 ? `  eta ${formatSeconds(etaSeconds)}` : ''}`;
}
