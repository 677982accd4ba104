/**
 * A robustness report as text: attacks, the curve over eps, the sanity checks, and the corruptions by severity.
 */
import type { AttackMethod, RobustnessReport } from '@facet/worker';
import { formatAccuracy, formatCount, formatPercent, formatSeconds } from './format.js';
import { tableLines } from './table.js';

/** The lines of a report. */
export function robustnessLines(report: RobustnessReport): string[] {
  const { clean, samples, attacks } = report;
  return [
    `clean accuracy ${formatAccuracy(clean.accuracy)} on ${formatCount(samples)} test samples`,
    ...(attacks.length === 0 ? [] : attackLines(report)),
    ...(report.corruptions === null ? [] : corruptionLines(report.corruptions)),
  ];
}

function attackLines({ attacks, worstCase, curves, checks }: RobustnessReport): string[] {
  const worst = worstCase.map(
    ({ norm, eps, accuracy }) => ['all of them', norm, formatEps(eps), '', accuracy] as const,
  );
  const single = attacks.map(({ name, norm, eps, method, accuracy, seconds }) => [
    name,
    norm,
    formatEps(eps),
    describeMethod(method),
    formatAccuracy(accuracy),
    formatSeconds(seconds),
  ]);
  return [
    '',
    ...tableLines({
      header: ['attack', 'norm', 'eps', 'how', 'accuracy', 'time'],
      right: [4, 5],
      rows: [
        ...single,
        ...worst.map(([name, norm, eps, how, accuracy]) => [name, norm, eps, how, formatAccuracy(accuracy)]),
      ],
    }),
    ...curves.flatMap(({ norm, steps, points }) => [
      '',
      `accuracy over eps, ${norm}, PGD with the margin loss, ${steps} steps`,
      ...tableLines({
        header: ['eps', ...points.map(({ eps }) => formatEps(eps))],
        right: [...points.keys()].map((column) => column + 1),
        rows: [['accuracy', ...points.map(({ accuracy }) => formatPercent(accuracy))]],
      }),
    ]),
    '',
    ...tableLines({
      header: ['sanity check', 'norm', 'verdict', 'detail'],
      rows: checks.map(({ name, norm, verdict, detail }) => [name, norm ?? '', verdict, detail]),
    }),
  ];
}

function corruptionLines({
  source,
  results,
  meanAccuracy,
  meanError,
}: NonNullable<RobustnessReport['corruptions']>): string[] {
  const severities = results[0]?.accuracies.map((_, index) => String(index + 1)) ?? [];
  return [
    '',
    source === 'generated' ? 'corruptions, generated, by severity' : `corruptions from ${source}, by severity`,
    ...tableLines({
      header: ['corruption', ...severities, 'mean'],
      right: [...severities.keys(), severities.length].map((column) => column + 1),
      rows: results.map(({ name, accuracies }) => [
        name,
        ...accuracies.map(formatPercent),
        formatPercent(accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length),
      ]),
    }),
    `mean accuracy ${formatAccuracy(meanAccuracy)}, mean error ${formatAccuracy(meanError)}`,
  ];
}

/** How an attack is made, in a few words. */
export function describeMethod(method: AttackMethod): string {
  if (method.kind === 'square') return `${formatCount(method.queries)} queries`;
  const { loss, steps, restarts, start } = method;
  const times = restarts === 1 ? '' : `, ${restarts} restarts`;
  return `${loss}, ${steps} ${steps === 1 ? 'step' : 'steps'} from a ${start} start${times}`;
}

/** The size of a ball with three digits. */
export function formatEps(eps: number): string {
  return String(Number(eps.toPrecision(3)));
}
