/** A study in a few lines for people: a table of arms, and what may be concluded. */
import type { AblationReport, ArmReport } from '../ablation/ablation-report.js';
import type { PairedDifference } from '../ablation/paired-differences.js';
import { formatCount, formatSeconds } from './format.js';
import { tableLines } from './table.js';

/** The lines of a report. */
export function ablationLines(report: AblationReport): string[] {
  const { study, trialsFinished, trialsPlanned, trainSeconds, split, epochs, trainSamples, dataset } = report;
  const images = trainSamples === 0 ? 'all training images' : `${formatCount(trainSamples)} training images`;
  return [
    `study ${study}: ${dataset}, ${images}, ${epochs} epochs, accuracy on the ${split === 'test' ? 'test' : 'held-out'} images; ` +
      `${trialsFinished} of ${trialsPlanned} trials, ${formatSeconds(trainSeconds)} of training`,
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

function armRow(arm: ArmReport, { baseline }: AblationReport): string[] {
  const { name, sameAs, parameters, macsPerImage, trials, mean, standardDeviation, difference } = arm;
  return [
    sameAs === undefined ? name : `${name} (= ${sameAs})`,
    formatCount(parameters),
    `${(macsPerImage / 1e6).toFixed(1)} M`,
    String(trials.length),
    mean === undefined
      ? '-'
      : `${percent(mean)}${standardDeviation === undefined ? '' : ` ± ${percent(standardDeviation)}`}`,
    name === baseline ? 'baseline' : differenceText(difference),
    difference?.holmP === undefined ? '' : difference.holmP.toFixed(3),
  ];
}

/** `+0.42 [-0.10, +0.94]` in points; without an interval for one seed. */
export function differenceText(difference: PairedDifference | undefined): string {
  if (difference === undefined) return '-';
  const { mean, interval } = difference;
  if (interval === undefined) return `${points(mean)} (one seed)`;
  return `${points(mean)} [${points(interval[0])}, ${points(interval[1])}]`;
}

/** What the best multi-view arm against the best control says, and how much it may say. */
export function conclusion({ best }: AblationReport): string {
  if (best === undefined) return 'no multi-view arm can be compared with a control yet';
  const { arm, control, difference } = best;
  const { interval, seedsForThirdOfAPoint, seeds } = difference;
  const versus = `best multi-view arm ${arm} against best control ${control}: ${differenceText(difference)} points`;
  if (interval === undefined) return `${versus}; one seed says nothing about chance`;
  const verdict = interval[0] > 0 ? 'the views help' : interval[1] < 0 ? 'the views harm' : 'no difference was shown';
  return `${versus}: ${verdict} (95 %, ${seeds} paired seeds; both were picked by these means, which flatters them). At this spread 0.3 points take ${seedsForThirdOfAPoint} seeds`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function points(share: number): string {
  const text = (100 * share).toFixed(2);
  return share >= 0 ? `+${text}` : text;
}
