/**
 * Built-in doubts. An evaluation of robustness is wrong more easily than right, mostly by gradients that lead nowhere; each
 * check is a claim that a sound one fulfils (Carlini et al. 2019, section 3). A failed check does not change a number: it
 * says not to believe it.
 */
import type { Norm } from '@facet/shared';
import type { AttackName, PlannedAttack } from './attack-plan.js';
import type { AttackReport, SanityCheck } from './report.js';
import { accuracyOf, runAttack, type AttackContext, type FinishedAttack } from './run-attack.js';
import { firstSamples } from './samples.js';

/** Attacks differ by luck in single samples: so much, as a share, is no contradiction. */
const SLACK = 0.005;
/** Samples of the checks that run attacks of their own. */
const CHECK_SAMPLES = 200;

type Verdict = Pick<SanityCheck, 'verdict' | 'detail'>;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Checks everything that the finished attacks allow to be checked. */
export async function runSanityChecks(
  context: AttackContext,
  finished: readonly FinishedAttack[],
  plan: readonly PlannedAttack[],
): Promise<SanityCheck[]> {
  const norms = [...new Set(finished.map(({ report }) => report.norm))];
  const checks: SanityCheck[] = [
    {
      name: 'gradients-reach-the-pixels',
      norm: null,
      claim: 'no sample has a gradient of zero by its pixels',
      ...(await gradientsReach(context)),
    },
    {
      name: 'huge-eps-breaks-everything',
      norm: null,
      claim: 'allowed to change every pixel to anything, PGD leaves no sample correct',
      ...(await hugeEps(context)),
    },
  ];
  for (const norm of norms) {
    const reports = finished.map(({ report }) => report).filter((report) => report.norm === norm);
    const restarted = finished.find(({ report }) => report.norm === norm && report.name === 'pgd-margin');
    const planned = plan.find((attack) => attack.norm === norm && attack.name === 'pgd-margin');
    checks.push(
      {
        name: 'more-steps-never-help-the-model',
        norm,
        claim: 'accuracy falls from FGSM to PGD to PGD with more steps',
        ...moreSteps(reports),
      },
      {
        name: 'black-box-never-beats-white-box',
        norm,
        claim: 'Square, without gradients, leaves at least as many samples correct as the best attack with them',
        ...blackBox(reports),
      },
      {
        name: 'restarts-never-help-the-model',
        norm,
        claim: 'with all restarts no more samples are correct than after an independent run with one',
        ...(restarted === undefined || planned === undefined
          ? skipped('pgd-margin')
          : await restarts(context, restarted, planned, norm)),
      },
    );
  }
  return checks;
}

function skipped(...missing: readonly AttackName[]): Verdict {
  return { verdict: 'skipped', detail: `did not run: ${missing.join(', ')}` };
}

async function gradientsReach({ oracle, samples }: AttackContext): Promise<Verdict> {
  const some = firstSamples(samples, CHECK_SAMPLES);
  const count = some.labels.length;
  const { gradient } = await oracle.gradient(some.images, some.labels, 'margin');
  const pixels = gradient.length / count;
  const dead = [...some.labels.keys()].filter((i) =>
    gradient.subarray(i * pixels, (i + 1) * pixels).every((value) => value === 0 || Number.isNaN(value)),
  );
  const detail = `${dead.length} of ${count} samples without a gradient of the margin`;
  return { verdict: dead.length === 0 ? 'pass' : 'fail', detail };
}

async function hugeEps(context: AttackContext): Promise<Verdict> {
  const samples = firstSamples(context.samples, CHECK_SAMPLES);
  const { result } = await runAttack(
    { ...context, samples },
    {
      name: 'pgd-margin',
      norm: 'linf',
      eps: 1,
      method: { kind: 'gradient', loss: 'margin', steps: 40, stepSize: 0.05, restarts: 2, start: 'random' },
    },
  );
  const accuracy = accuracyOf(result);
  return { verdict: accuracy <= 0.01 ? 'pass' : 'fail', detail: `${percent(accuracy)} correct at eps 1 in L-inf` };
}

function moreSteps(reports: readonly AttackReport[]): Verdict {
  const names: AttackName[] = ['fgsm', 'pgd', 'pgd-margin'];
  const found = names.flatMap((name) => reports.filter((report) => report.name === name));
  const missing = names.filter((name) => found.every((report) => report.name !== name));
  if (missing.length > 0) return skipped(...missing);
  const holds = found.every(({ accuracy }, i) => i === 0 || accuracy <= found[i - 1]!.accuracy + SLACK);
  const detail = found.map(({ name, accuracy }) => `${name} ${percent(accuracy)}`).join(', ');
  return { verdict: holds ? 'pass' : 'fail', detail };
}

function blackBox(reports: readonly AttackReport[]): Verdict {
  const square = reports.find(({ name }) => name === 'square');
  const white = reports.filter(({ method }) => method.kind === 'gradient');
  if (square === undefined) return skipped('square');
  if (white.length === 0) return skipped('pgd', 'pgd-margin');
  const best = Math.min(...white.map(({ accuracy }) => accuracy));
  return {
    verdict: square.accuracy >= best - SLACK ? 'pass' : 'fail',
    detail: `square ${percent(square.accuracy)}, best with gradients ${percent(best)}`,
  };
}

async function restarts(
  context: AttackContext,
  { result }: FinishedAttack,
  planned: PlannedAttack,
  norm: Norm,
): Promise<Verdict> {
  if (planned.method.kind !== 'gradient') return skipped('pgd-margin');
  const samples = firstSamples(context.samples, CHECK_SAMPLES);
  const count = samples.labels.length;
  const method = { ...planned.method, restarts: 1 };
  const { result: single } = await runAttack({ ...context, samples }, { ...planned, norm, method });
  const all = accuracyOf({ ...result, isBroken: result.isBroken.subarray(0, count) });
  const one = accuracyOf(single);
  return {
    verdict: all <= one ? 'pass' : 'fail',
    detail: `one ${percent(one)}, ${planned.method.restarts} ${percent(all)}, on ${count} samples`,
  };
}
