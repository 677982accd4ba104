/** What a robustness report says in words: how an attack is made, and the verdict on the sanity checks. */
import type { SanityCheck } from './report.js';
import type { AttackMethod } from '@facet/multiview';
import { formatCount } from '../words/format.js';

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
