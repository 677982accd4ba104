/** A study in a few lines for people: a table of arms, and what may be concluded. */
import { formatAccuracy, formatCount, formatMacs, formatSeconds } from '../display/format.js';
import { tableLines } from '../display/table.js';
import type { AblationReport, ArmReport } from './ablation-report.js';
import { SHOWN_DIFFERENCE, type PairedDifference, type Spread } from './paired-differences.js';

/** The lines of a report. */
export function ablationLines(report: AblationReport): string[] {
  return [
    `study ${report.study}: ${studyText(report)}`,
    '',
    ...tableLines({
      header: ['arm', 'parameters', 'MACs', 'seeds', 'accuracy', `difference from ${report.baseline}`, 'p (Holm)'],
      right: [1, 2, 3, 4, 5, 6],
      rows: report.arms.map((arm) => armRow(arm, report)),
    }),
    '',
    conclusion(report),
  ];
}

/** What was trained and how much of it is done. */
export function studyText(report: AblationReport): string {
  const { trialsFinished, trialsPlanned, trainSeconds, split, epochs, trainSamples, dataset } = report;
  const images = trainSamples === 0 ? 'all training images' : `${formatCount(trainSamples)} training images`;
  const trained = `${dataset}, ${images}, ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`;
  const accuracy = `accuracy on the ${split === 'test' ? 'test' : 'held-out'} images`;
  const work = `${trialsFinished} of ${trialsPlanned} trials, ${formatSeconds(trainSeconds)} of training`;
  return `${trained}, ${accuracy}; ${work}`;
}

function armRow(arm: ArmReport, { baseline }: AblationReport): string[] {
  const { name, sameAs, parameters, macsPerImage, trials, difference } = arm;
  return [
    sameAs === undefined ? name : `${name} (= ${sameAs})`,
    formatCount(parameters),
    formatMacs(macsPerImage),
    String(trials.length),
    accuracyText(arm),
    name === baseline ? 'baseline' : differenceText(difference),
    difference?.holmP === undefined ? '' : pText(difference.holmP),
  ];
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

/** `0.034`, `<0.001`. */
export function pText(p: number): string {
  return p < 0.001 ? '<0.001' : p.toFixed(3);
}

/** What a difference of a multi-view arm from a control shows, at 95 %. */
export function verdictOf({ interval }: Pick<PairedDifference, 'interval'>): string {
  if (interval === undefined) return 'one seed says nothing about chance';
  if (interval[0] > 0) return 'the views help';
  return interval[1] < 0 ? 'the views harm' : 'no difference was shown';
}

/** What the best multi-view arm against the best control says, and how much it may say. */
export function conclusion({ best }: Pick<AblationReport, 'best'>): string {
  if (best === undefined) return 'no multi-view arm can be compared with a control yet';
  const { arm, control, difference } = best;
  const said = `best multi-view arm ${arm} against best control ${control}: ${differenceText(difference)} points`;
  const { seeds, seedsNeeded } = difference;
  if (seedsNeeded === undefined) return `${said}; ${verdictOf(difference)}`;
  const limits = `95 %, ${seeds} paired seeds; both were picked by these means, which the interval does not know`;
  return `${said}: ${verdictOf(difference)} (${limits}). At this spread ${100 * SHOWN_DIFFERENCE} points take ${seedsNeeded} seeds`;
}

/** A difference of shares in points, with its sign: `+0.42`. */
export function pointsText(share: number): string {
  const text = (100 * share).toFixed(2);
  return Number(text) >= 0 ? `+${text.replace('-', '')}` : text;
}
