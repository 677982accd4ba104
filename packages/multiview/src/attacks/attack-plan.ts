/**
 * Which attacks are made by name, and how strong: the protocol that published numbers follow (Madry et al. 2018 for the
 * L-inf sizes and PGD's steps, RobustBench for L2), changed only where a caller says so.
 */
import type { AttackLoss } from '../model/attack-losses.js';
import type { DatasetFamily } from '@facet/shared';
import type { Norm } from '../config/adversarial-schema.js';

/** How an attack is made. */
export type AttackMethod =
  | {
      readonly kind: 'gradient';
      readonly loss: AttackLoss;
      readonly steps: number;
      readonly stepSize: number;
      readonly restarts: number;
      readonly start: 'clean' | 'random';
    }
  | { readonly kind: 'square'; readonly queries: number };

export const ATTACK_NAMES = ['fgsm', 'pgd', 'pgd-margin', 'square'] as const;
export type AttackName = (typeof ATTACK_NAMES)[number];

export interface PlannedAttack {
  readonly name: AttackName;
  readonly norm: Norm;
  readonly eps: number;
  readonly method: AttackMethod;
}

/** What a caller may say about the attacks; everything else follows the protocol. */
export interface AttackChoice {
  readonly attacks: readonly AttackName[];
  readonly norms: readonly Norm[];
  /** Size of the ball, in pixels in [0, 1]. */
  readonly eps?: number | undefined;
  /** Steps of `pgd` and of `pgd-margin`. */
  readonly steps?: number | undefined;
  /** Restarts of `pgd-margin`. */
  readonly restarts?: number | undefined;
  /** Queries of `square` per sample. */
  readonly queries?: number | undefined;
}

interface Protocol {
  readonly eps: number;
  readonly steps: number;
  readonly stepSize: number;
}

const PROTOCOLS: Readonly<Record<DatasetFamily, Readonly<Record<Norm, Protocol>>>> = {
  mnist: { linf: { eps: 0.3, steps: 40, stepSize: 0.01 }, l2: { eps: 2, steps: 40, stepSize: 0.125 } },
  cifar10: { linf: { eps: 8 / 255, steps: 10, stepSize: 2 / 255 }, l2: { eps: 0.5, steps: 10, stepSize: 0.125 } },
};

const MARGIN_STEPS = 50;
const MARGIN_RESTARTS = 5;
const QUERIES = 1_000;

/** Two and a half radii in all: enough to cross the ball from any start and to settle (Madry et al. 2018). */
export function stepSizeFor(eps: number, steps: number): number {
  return (2.5 * eps) / steps;
}

/** The size of the ball that a norm gets when nobody says otherwise. */
export function defaultEps(family: DatasetFamily, norm: Norm): number {
  return PROTOCOLS[family][norm].eps;
}

/** Steps of `pgd`. */
export function stepsOf(family: DatasetFamily, norm: Norm, choice: AttackChoice): number {
  return choice.steps ?? PROTOCOLS[family][norm].steps;
}

/** The attacks of a choice, norm by norm. */
export function planAttacks(family: DatasetFamily, choice: AttackChoice): PlannedAttack[] {
  return choice.norms.flatMap((norm) => {
    const eps = choice.eps ?? defaultEps(family, norm);
    return choice.attacks.map((name) => ({ name, norm, eps, method: methodOf(name, family, norm, eps, choice) }));
  });
}

function methodOf(
  name: AttackName,
  family: DatasetFamily,
  norm: Norm,
  eps: number,
  choice: AttackChoice,
): AttackMethod {
  switch (name) {
    case 'fgsm':
      return { kind: 'gradient', loss: 'cross-entropy', steps: 1, stepSize: eps, restarts: 1, start: 'clean' };
    case 'pgd': {
      const protocol = PROTOCOLS[family][norm];
      const steps = stepsOf(family, norm, choice);
      const isPublished = eps === protocol.eps && steps === protocol.steps;
      const stepSize = isPublished ? protocol.stepSize : stepSizeFor(eps, steps);
      return { kind: 'gradient', loss: 'cross-entropy', steps, stepSize, restarts: 1, start: 'random' };
    }
    case 'pgd-margin': {
      const steps = choice.steps ?? MARGIN_STEPS;
      const restarts = choice.restarts ?? MARGIN_RESTARTS;
      return { kind: 'gradient', loss: 'margin', steps, stepSize: stepSizeFor(eps, steps), restarts, start: 'random' };
    }
    case 'square':
      return { kind: 'square', queries: choice.queries ?? QUERIES };
    default:
      return name satisfies never;
  }
}
