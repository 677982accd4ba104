/**
 * A robustness report as text: attacks, the curve over eps, the sanity checks, and the corruptions by severity.
 */
import type { RobustnessReport } from '@facet/lab';
import {
  describeMethod,
  formatEps,
  summariseChecks,
  VERDICT_WORDS,
  formatAccuracy,
  formatCount,
  formatPercent,
  formatSeconds,
  cellNote,
  intervalOf,
  meanNote,
} from '@facet/lab/data';
import { tableLines } from './table.js';

/** The lines of a report. */
export function robustnessLines(report: RobustnessReport): string[] {
  const { clean, samples, attacks } = report;
  return [
    `clean accuracy ${formatAccuracy(clean.accuracy)}, 95 % interval ${intervalOf(clean.accuracy, samples)}, on ${formatCount(samples)} test images`,
    ...(attacks.length === 0 ? [] : attackLines(report)),
    ...(report.corruptions === null ? [] : corruptionLines(report.corruptions, samples)),
  ];
}

function attackLines({ attacks, worstCase, curves, checks, samples }: RobustnessReport): string[] {
  const summary = summariseChecks(checks);
  const worst = worstCase.map(
    ({ norm, eps, accuracy }) => ['all of them', norm, formatEps(eps), '', accuracy] as const,
  );
  const single = attacks.map(({ name, norm, eps, method, accuracy, seconds }) => [
    name,
    norm,
    formatEps(eps),
    describeMethod(method),
    formatAccuracy(accuracy),
    intervalOf(accuracy, samples),
    formatSeconds(seconds),
  ]);
  return [
    '',
    ...tableLines({
      header: ['attack', 'norm', 'eps', 'how', 'accuracy', '95 % interval', 'time'],
      right: [4, 5, 6],
      rows: [
        ...single,
        ...worst.map(([name, norm, eps, how, accuracy]) => [
          ...[name, norm, eps, how, formatAccuracy(accuracy)],
          intervalOf(accuracy, samples),
        ]),
      ],
    }),
    ...curves.flatMap(({ norm, steps, points }) => [
      '',
      `accuracy over eps, ${norm}, PGD with the margin loss, ${steps} steps (${cellNote(samples)})`,
      ...tableLines({
        header: ['eps', ...points.map(({ eps }) => formatEps(eps))],
        right: [...points.keys()].map((column) => column + 1),
        rows: [['accuracy', ...points.map(({ accuracy }) => formatPercent(accuracy))]],
      }),
    ]),
    '',
    ...tableLines({
      header: ['sanity check', 'norm', 'verdict', 'detail'],
      rows: checks.map(({ name, norm, verdict, detail }) => [name, norm ?? '', VERDICT_WORDS[verdict], detail]),
    }),
    `sanity checks: ${[summary.verdict, summary.note].filter((part) => part !== undefined).join('; ')}`,
  ];
}

function corruptionLines(
  { source, results, meanAccuracy, meanError }: NonNullable<RobustnessReport['corruptions']>,
  samples: number,
): string[] {
  const severities = results[0]?.accuracies.map((_, index) => String(index + 1)) ?? [];
  return [
    '',
    `corruptions, ${source === 'generated' ? 'generated' : `from ${source}`}: accuracy by severity (${cellNote(samples)})`,
    ...tableLines({
      header: ['corruption', ...severities, 'mean'],
      right: [...severities.keys(), severities.length].map((column) => column + 1),
      rows: results.map(({ name, accuracies }) => [
        name,
        ...accuracies.map(formatPercent),
        formatPercent(accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length),
      ]),
    }),
    `mean accuracy ${formatAccuracy(meanAccuracy)}, mean error ${formatAccuracy(meanError)}; ${meanNote(meanAccuracy, samples)}`,
  ];
}
