/**
 * Built-in doubts. An evaluation of robustness is wrong more easily than right, mostly by gradients that lead nowhere; each
 * check is a claim that a sound one fulfils (Carlini et al. 2019, section 3). A failed check does not change a number: it
 * says not to believe it.
 */
import type { PlannedAttack } from '@facet/multiview';
import { compareSteps } from './more-steps.js';
import { compareAttacks, type ComparedAttack } from './paired-breaks.js';
import type { CheckOutcome, SanityCheck } from './report.js';
import { accuracyOf, runAttack, type AttackContext, type FinishedAttack } from './run-attack.js';
import { firstSamples } from './samples.js';

/** Samples of the checks that run attacks of their own. */
const CHECK_SAMPLES = 200;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Checks everything that the finished attacks allow to be checked. */
export async function runSanityChecks(
  context: AttackContext,
  finished: readonly FinishedAttack[],
  plan: readonly PlannedAttack[],
): Promise<SanityCheck[]> {
  const norms = [...new Set(finished.map(({ report }) => report.norm))];
  const few = { ...context, samples: firstSamples(context.samples, CHECK_SAMPLES) };
  const checks: SanityCheck[] = [
    {
      name: 'gradients-reach-the-pixels',
      norm: null,
      claim: 'no sample has a gradient of zero by its pixels',
      ...(await gradientsReach(few)),
    },
    {
      name: 'huge-eps-breaks-everything',
      norm: null,
      claim: 'allowed to change every pixel to anything, PGD leaves no sample correct',
      ...(await hugeEps(few)),
    },
  ];
  for (const norm of norms) {
    const ofNorm = finished.filter(({ report }) => report.norm === norm);
    checks.push(
      {
        name: 'more-steps-never-help-the-model',
        norm,
        claim: 'up the same loss from the clean image, many steps break at least as many samples as one step does',
        ...(await compareSteps(few, norm, plan)),
      },
      {
        name: 'black-box-never-beats-white-box',
        norm,
        claim: 'Square, without gradients, breaks no more samples than the best attack with them',
        ...(await blackBox(context, ofNorm)),
      },
      {
        name: 'restarts-never-help-the-model',
        norm,
        claim: 'all restarts leave no more samples correct than the first one alone, run again',
        ...(await restarts(few, ofNorm, plan)),
      },
    );
  }
  return checks;
}

function skipped(detail: string): CheckOutcome {
  return { verdict: 'skipped', detail };
}

async function gradientsReach({ oracle, samples }: AttackContext): Promise<CheckOutcome> {
  const { images, labels } = samples;
  const count = labels.length;
  const { gradient } = await oracle.gradient(images, labels, 'margin');
  const pixels = gradient.length / count;
  const dead = [...labels.keys()].filter((i) =>
    gradient.subarray(i * pixels, (i + 1) * pixels).every((value) => value === 0 || Number.isNaN(value)),
  );
  const detail = `${dead.length} of ${count} samples without a gradient of the margin`;
  return { verdict: dead.length === 0 ? 'pass' : 'fail', detail };
}

async function hugeEps(context: AttackContext): Promise<CheckOutcome> {
  const { result } = await runAttack(context, {
    name: 'pgd-margin',
    norm: 'linf',
    eps: 1,
    method: { kind: 'gradient', loss: 'margin', steps: 40, stepSize: 0.05, restarts: 2, start: 'random' },
  });
  const accuracy = accuracyOf(result);
  return { verdict: accuracy <= 0.01 ? 'pass' : 'fail', detail: `${percent(accuracy)} correct at eps 1 in L-inf` };
}

async function blackBox(context: AttackContext, finished: readonly FinishedAttack[]): Promise<CheckOutcome> {
  const square = finished.find(({ report }) => report.name === 'square');
  const [first, ...others] = finished.filter(({ report }) => report.method.kind === 'gradient');
  if (square === undefined) return skipped('square was not asked for');
  if (first === undefined) return skipped('no attack with gradients was asked for');
  const best = others.reduce((least, each) => (each.report.accuracy < least.report.accuracy ? each : least), first);
  const compared = ({ report, result }: FinishedAttack): ComparedAttack => ({ label: report.name, result });
  return compareAttacks(context, compared(square), compared(best));
}

/** Their starts contain the first one's, so this is no matter of luck: more restarts can only break more. */
async function restarts(
  context: AttackContext,
  finished: readonly FinishedAttack[],
  plan: readonly PlannedAttack[],
): Promise<CheckOutcome> {
  const restarted = finished.find(({ report }) => report.name === 'pgd-margin');
  const planned = plan.find(({ name, norm }) => name === 'pgd-margin' && norm === restarted?.report.norm);
  if (restarted === undefined || planned?.method.kind !== 'gradient') return skipped('pgd-margin was not asked for');
  if (planned.method.restarts === 1) return skipped('only one restart was asked for');
  const count = context.samples.labels.length;
  const { result: single } = await runAttack(context, { ...planned, method: { ...planned.method, restarts: 1 } });
  const all = accuracyOf({ isBroken: restarted.result.isBroken.subarray(0, count) });
  const one = accuracyOf(single);
  return {
    verdict: all <= one ? 'pass' : 'fail',
    detail: `one ${percent(one)}, ${planned.method.restarts} ${percent(all)}, on ${count} samples`,
  };
}
