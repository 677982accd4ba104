/** A study in a few lines for people: a table of arms, and what may be concluded. */
import {
  type AblationReport,
  type ArmReport,
  accuracyText,
  conclusion,
  differenceText,
  pText,
  studyText,
  survivors,
  formatCount,
  formatMacs,
} from '@facet/lab/data';
import { tableLines } from './table.js';

/** The lines of a report. */
export function ablationLines(report: AblationReport): string[] {
  return [
    `study ${report.study}: ${studyText(report)}`,
    '',
    ...tableLines({
      header: ['arm', 'parameters', 'MACs', 'seeds', 'accuracy', `difference from ${report.baseline}`, 'p', 'p (Holm)'],
      right: [1, 2, 3, 4, 5, 6, 7],
      rows: report.arms.map((arm) => armRow(arm, report)),
    }),
    '',
    conclusion(report),
    ...survivors(report),
  ];
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
    pText(difference?.p),
    pText(difference?.holmP),
  ];
}
