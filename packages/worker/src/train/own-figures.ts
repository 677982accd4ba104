/**
 * What a rank says of its own part of a step, before it is added to the others': the norm of its gradient and its mean loss.
 * Both are per sample, so that ranks with unequal shares compare. They are only read from the sums; no bit of a run depends on
 * them.
 */
import { createGradientSum, gradientNorm, type ParameterLayout, type SumLayout } from '@facet/task';

export interface OwnFigures {
  /**
   * Sum of the norms of the sums that this rank contributes, over its samples. It is never less than the norm of its mean
   * gradient (triangle inequality), and equal to it if the rank contributes one sum.
   */
  readonly localGradientNorm: number;
  /** Mean loss over this rank's samples. */
  readonly localLoss: number;
}

export interface OwnFigureOptions {
  readonly layout: SumLayout;
  /** The parameters that are trained. */
  readonly slots: ParameterLayout['slots'];
}

/**
 * @param sums this rank's contribution to a step, [gradientSumLength(layout)] each; only read
 * @returns zeros for a rank without a sample
 */
export function ownFigures(
  sums: readonly { readonly values: Float32Array }[],
  { layout, slots }: OwnFigureOptions,
): OwnFigures {
  let norms = 0;
  let losses = 0;
  let samples = 0;
  for (const { values } of sums) {
    const { gradient, accounting } = createGradientSum(values, layout);
    const { loss, count } = accounting();
    norms += gradientNorm(gradient, 1, slots);
    losses += loss;
    samples += count;
  }
  if (samples === 0) return { localGradientNorm: 0, localLoss: 0 };
  return { localGradientNorm: norms / samples, localLoss: losses / samples };
}
