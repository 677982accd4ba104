/**
 * Two attacks on the same samples, compared sample by sample (McNemar 1947). Accuracies of single attacks differ by luck;
 * only the samples that exactly one of them broke say which attack does more.
 */
import { answerOf, rowOf, type AttackResult } from '@facet/multiview';
import type { CheckOutcome } from './report.js';
import { accuracyOf, type AttackContext } from './run-attack.js';

/** A weaker attack has beaten a stronger one where luck would do it less often than this. */
const SIGNIFICANCE = 0.01;
/** With fewer samples to break, not even a clean sweep of the weaker attack is significant: 0.5 ** 7 < 0.01. */
const FEWEST_SAMPLES = 7;

export interface PairedBreaks {
  /** Samples that only the attack that should be weaker broke. */
  readonly weakerOnly: number;
  /** Samples that only the attack that should be stronger broke. */
  readonly strongerOnly: number;
  /** The chance of at least so many of the first kind if both attacks were equally strong; one-sided and exact. */
  readonly p: number;
}

type Broken = Pick<AttackResult, 'isBroken'>;

export interface ComparedAttack {
  /** What it is called in the outcome. */
  readonly label: string;
  readonly result: AttackResult;
}

/** Checks that the attack which should be weaker breaks no more than the other one; both attacked the context's samples. */
export async function compareAttacks(
  context: AttackContext,
  weaker: ComparedAttack,
  stronger: ComparedAttack,
): Promise<CheckOutcome> {
  const correct = await correctSamples(context);
  if (correct < FEWEST_SAMPLES) {
    const detail = `${correct} samples are read correctly without an attack, too few to compare; ${FEWEST_SAMPLES} are enough`;
    return { verdict: 'skipped', detail };
  }
  const { weakerOnly, strongerOnly, p } = pairedBreaks(weaker.result, stronger.result);
  const share = ({ label, result }: ComparedAttack): string => `${label} ${(100 * accuracyOf(result)).toFixed(1)} %`;
  const only = ({ label }: ComparedAttack, count: number): string => `${count} broken by ${label} only`;
  return {
    verdict: p < SIGNIFICANCE ? 'fail' : 'pass',
    detail: `${share(weaker)}, ${share(stronger)}, ${only(weaker, weakerOnly)}, ${only(stronger, strongerOnly)}`,
  };
}

async function correctSamples({ oracle, samples: { images, labels } }: AttackContext): Promise<number> {
  const logits = await oracle.logits(images);
  return labels.filter((label, i) => answerOf(rowOf(logits, i, oracle.classes)) === label).length;
}

/** Compares two attacks on the same samples in the same order. */
export function pairedBreaks(weaker: Broken, stronger: Broken): PairedBreaks {
  const onlyIn = (one: Broken, other: Broken): number =>
    one.isBroken.filter((broken, i) => broken === 1 && other.isBroken[i] === 0).length;
  const [weakerOnly, strongerOnly] = [onlyIn(weaker, stronger), onlyIn(stronger, weaker)];
  return { weakerOnly, strongerOnly, p: signTest(weakerOnly, weakerOnly + strongerOnly) };
}

/** The chance of at least `heads` heads in so many throws of a fair coin. */
export function signTest(heads: number, throws: number): number {
  // Terms of the binomial distribution, each from the one before; 0.5 ** throws underflows beyond 1,074 throws.
  let logTerm = throws * Math.log(0.5);
  let tail = 0;
  for (let k = 0; k <= throws; k++) {
    if (k >= heads) tail += Math.exp(logTerm);
    logTerm += Math.log((throws - k) / (k + 1));
  }
  return Math.min(1, tail);
}
