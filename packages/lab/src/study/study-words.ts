/** What a study says in words: what was trained, how the arms differ, and what may be concluded. Tables and pages share them. */
import { formatAccuracy, formatCount, formatSeconds } from '../words/format.js';
import { counted } from '../words/counted.js';
import type { AblationReport, ArmDifference } from './ablation-report.js';
import { ALPHA, SHOWN_DIFFERENCE, type PairedDifference, type Spread } from './paired-differences.js';

/** What was trained and how much of it is done. */
export function studyText(report: AblationReport): string {
  const { trialsFinished, trialsPlanned, trainSeconds, split, epochs, trainSamples, dataset } = report;
  const images = trainSamples === 0 ? 'all training images' : `${formatCount(trainSamples)} training images`;
  const trained = `${dataset}, ${images}, ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`;
  const accuracy = `accuracy on the ${split === 'test' ? 'test' : 'held-out'} images`;
  const work = `${trialsFinished} of ${trialsPlanned} trials, ${formatSeconds(trainSeconds)} of training`;
  return `${trained}, ${accuracy}; ${work}`;
}

/** Mean and standard deviation. */
export function accuracyText({ mean, standardDeviation }: Partial<Spread>): string {
  if (mean === undefined) return '-';
  const text = formatAccuracy(mean);
  return standardDeviation === undefined ? text : `${text} ± ${(100 * standardDeviation).toFixed(2)}`;
}

/** `+0.42 [-0.10, +0.94]` in points; without an interval for one seed. */
export function differenceText(difference: PairedDifference | undefined): string {
  if (difference === undefined) return '-';
  const { mean, interval } = difference;
  if (interval === undefined) return `${pointsText(mean)} (one seed)`;
  return `${pointsText(mean)} [${pointsText(interval[0])}, ${pointsText(interval[1])}]`;
}

/** `0.034`, `<0.001`; nothing where there is no p. */
export function pText(p: number | undefined): string {
  if (p === undefined) return '';
  return p < 0.001 ? '<0.001' : p.toFixed(3);
}

/** What survives the correction: a difference is claimed only when its adjusted p is below 5 %. */
export function effectOf({ mean, holmP }: ArmDifference): 'gains' | 'loses' | 'not shown' {
  if (holmP === undefined || holmP >= ALPHA) return 'not shown';
  return mean > 0 ? 'gains' : 'loses';
}

/** What the best multi-view arm against the best control shows. */
export function verdictOf(difference: ArmDifference): string {
  if (difference.interval === undefined) return 'one seed says nothing about chance';
  const words = { gains: 'the views help', loses: 'the views harm', 'not shown': 'no difference was shown' };
  return words[effectOf(difference)];
}

/** What the best multi-view arm against the best control says, and how much it may say. */
export function conclusion({ best }: Pick<AblationReport, 'best'>): string {
  if (best === undefined) return 'no multi-view arm can be compared with a control yet';
  const { arm, control, difference, pairs } = best;
  const said = `best multi-view arm ${arm} against best control ${control}: ${differenceText(difference)} points`;
  const { seeds, seedsNeeded, p, holmP } = difference;
  if (seedsNeeded === undefined) return `${said}; ${verdictOf(difference)}`;
  const chance = `p ${pText(p)} alone, ${pText(holmP)} by Holm over the ${counted(pairs, 'pair')} that could have been the best`;
  return `${said}: ${verdictOf(difference)} (${seeds} paired seeds; ${chance}). At this spread ${100 * SHOWN_DIFFERENCE} points take ${seedsNeeded} seeds`;
}

/** Which arms differ from the baseline once all differences are judged together; nothing while none can be judged. */
export function survivors({ arms, baseline }: Pick<AblationReport, 'arms' | 'baseline'>): string[] {
  const judged = arms.flatMap(({ name, sameAs, difference }) =>
    sameAs === undefined && difference?.holmP !== undefined ? [{ name, difference }] : [],
  );
  if (judged.length === 0) return [];
  const shown = judged.filter(({ difference }) => effectOf(difference) !== 'not shown');
  const over = `after Holm's correction over ${counted(judged.length, 'arm')}`;
  if (shown.length === 0) return [`${over} no difference from ${baseline} is shown`];
  const each = shown.map(
    ({ name, difference }) =>
      `${name} ${effectOf(difference)} ${pointsText(difference.mean)} points (p ${pText(difference.holmP)})`,
  );
  const rest = shown.length === judged.length ? '' : '; the others show no difference';
  return [`${over}, against ${baseline}: ${each.join(', ')}${rest}`];
}

/** A difference of shares in points, with its sign: `+0.42`. */
export function pointsText(share: number): string {
  const text = (100 * share).toFixed(2);
  return Number(text) >= 0 ? `+${text.replace('-', '')}` : text;
}
