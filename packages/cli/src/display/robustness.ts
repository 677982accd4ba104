/**
 * A robustness report as text: attacks, the curve over eps, the sanity checks, and the corruptions by severity.
 */
import type { RobustnessReport, SanityCheck } from '@facet/lab';
import type { AttackMethod } from '@facet/multiview';
import { formatAccuracy, formatCount, formatPercent, formatSeconds } from './format.js';
import { cellNote, intervalOf, meanNote } from './interval.js';
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

export interface CheckSummary {
  /** How many of the checks that were asked for passed or failed: `2 of 8 passed`. */
  readonly verdict: string;
  /** Which failed, and which were not checked and why; undefined when all passed. */
  readonly note: string | undefined;
}

/** The verdict on all checks. What was not checked has not passed. */
export function summariseChecks(checks: readonly SanityCheck[]): CheckSummary {
  const withVerdict = (verdict: SanityCheck['verdict']): SanityCheck[] =>
    checks.filter((check) => check.verdict === verdict);
  const [failed, skipped] = [withVerdict('fail'), withVerdict('skipped')];
  const notes = [
    ...(failed.length === 0 ? [] : [`do not believe the numbers: failed ${listed(failed)}`]),
    ...[...new Set(skipped.map(({ detail }) => detail))].map((why) => {
      const alike = skipped.filter(({ detail }) => detail === why);
      return `not checked ${listed(alike)}, because ${why}`;
    }),
  ];
  const said = failed.length > 0 ? `${failed.length} of ${checks.length} failed` : undefined;
  return {
    verdict: said ?? `${withVerdict('pass').length} of ${checks.length} passed`,
    note: notes.length === 0 ? undefined : notes.join('; '),
  };
}

/** A check's verdict in words. */
export const VERDICT_WORDS = { pass: 'passed', fail: 'failed', skipped: 'not checked' } as const;

function listed(checks: readonly SanityCheck[]): string {
  return checks.map(({ name, norm }) => (norm === null ? name : `${name} (${norm})`)).join(', ');
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
