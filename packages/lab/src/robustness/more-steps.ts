/**
 * The check that many steps do at least as much as one. Like is compared with like: the same loss, the same start (the clean
 * image), the same ball and the same samples; only the number of steps differs, and with it their size. Attacks with different
 * losses may come out in any order on an honest model, so they are never compared here.
 */
import type { Norm } from '@facet/multiview/config';
import { stepSizeFor, type AttackName, type PlannedAttack, ATTACK_LOSSES, type AttackLoss } from '@facet/multiview';
import { compareAttacks } from './paired-breaks.js';
import type { CheckOutcome } from './report.js';
import { runAttack, type AttackContext, type FinishedAttack } from './run-attack.js';

/** The least that counts as many steps: an attack of one step is compared with this. */
const FEWEST_STEPS = 10;

const NAMES: Readonly<Record<AttackLoss, AttackName>> = { 'cross-entropy': 'pgd', margin: 'pgd-margin' };

/** Compares one step with many, for each loss that a planned attack of this norm climbs. */
export async function compareSteps(
  context: AttackContext,
  norm: Norm,
  plan: readonly PlannedAttack[],
): Promise<CheckOutcome> {
  const outcomes: CheckOutcome[] = [];
  for (const loss of ATTACK_LOSSES) {
    const climbing = plan.flatMap(({ method, eps, ...planned }) =>
      planned.norm === norm && method.kind === 'gradient' && method.loss === loss ? [{ eps, steps: method.steps }] : [],
    );
    const [first] = climbing;
    if (first === undefined) continue;
    const many = Math.max(FEWEST_STEPS, ...climbing.map(({ steps }) => steps));
    const attack = (steps: number, stepSize: number): Promise<FinishedAttack> =>
      runAttack(context, {
        ...{ name: NAMES[loss], norm, eps: first.eps },
        method: { kind: 'gradient', loss, steps, stepSize, restarts: 1, start: 'clean' },
      });
    const [one, more] = [await attack(1, first.eps), await attack(many, stepSizeFor(first.eps, many))];
    const { verdict, detail } = await compareAttacks(
      context,
      { label: '1 step', result: one.result },
      { label: `${many} steps`, result: more.result },
    );
    outcomes.push({ verdict, detail: `${loss}: ${detail}` });
  }
  if (outcomes.length === 0) return { verdict: 'skipped', detail: 'no attack with gradients was asked for' };
  const worst = (['fail', 'skipped', 'pass'] as const).find((each) =>
    outcomes.some(({ verdict }) => verdict === each),
  )!;
  return { verdict: worst, detail: outcomes.map(({ detail }) => detail).join('; ') };
}
