/**
 * What one micro-batch, or a sum of some, comes to: a gradient, and behind it in the same buffer its accounting. They are
 * reduced together, so that one sum proves which samples the other holds. Nothing else may read them together: a norm, an
 * average or an update of the whole buffer would take sums of check digits for derivatives. Hence two types: only the
 * all-reduce is given the `whole`, and what computes with a gradient takes a `Gradient`, which a bare Float32Array is not.
 */
import { TrainingError } from '@facet/shared';

declare const GRADIENT: unique symbol;

/** A flat gradient, [parameters], without anything behind it. Made by `createGradientSum` or `asGradient`. */
export type Gradient = Float32Array & { readonly [GRADIENT]: true };

/** Sums over samples that travel behind a gradient. */
export interface Accounting {
  /** Summed loss. */
  readonly loss: number;
  /** The task's own sums, by name; not always whole numbers when samples are mixed. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Samples in the gradient. */
  readonly count: number;
  /** Their check digits, see `sampleChecksum`. */
  readonly checksum: number;
}

/** What decides where everything lies in a sum. */
export interface SumLayout {
  /** Elements of the gradient. */
  readonly parameters: number;
  /** Names of the task's sums, in their order. */
  readonly metrics: readonly string[];
}

export interface GradientSum {
  /** [gradientSumLength]: the gradient and its accounting, for the all-reduce alone. */
  readonly whole: Float32Array;
  /** [parameters]: the gradient, a view of the whole. */
  readonly gradient: Gradient;
  /** Reads the accounting. */
  readonly accounting: () => Accounting;
  /** Overwrites some of the accounting. */
  readonly account: (accounting: Partial<Accounting>) => void;
  /** Index in the whole where an engine writes the loss, or a metric. */
  readonly placeOf: (name: 'loss' | { readonly metric: string }) => number;
}

/** Elements of the whole: the gradient, the loss, the metrics, the count and the check digits. */
export function gradientSumLength({ parameters, metrics }: SumLayout): number {
  return parameters + 1 + metrics.length + 2;
}

/**
 * Lays a gradient and its accounting over a buffer.
 *
 * @param whole [gradientSumLength(layout)], owned by the caller
 * @throws TrainingError INTERNAL when it has another length
 */
export function createGradientSum(whole: Float32Array, layout: SumLayout): GradientSum {
  const { parameters, metrics } = layout;
  if (whole.length !== gradientSumLength(layout)) {
    throw new TrainingError(
      'INTERNAL',
      `a buffer of ${whole.length} elements, expected ${gradientSumLength(layout)}: ${parameters} parameters and ${gradientSumLength(layout) - parameters} of accounting; report this as a bug`,
    );
  }
  const lossAt = parameters;
  const countAt = lossAt + 1 + metrics.length;
  const placeOf: GradientSum['placeOf'] = (name) =>
    name === 'loss' ? lossAt : lossAt + 1 + metrics.indexOf(name.metric);
  return {
    whole,
    gradient: whole.subarray(0, parameters) as Gradient,
    accounting: () => ({
      loss: whole[lossAt]!,
      metrics: Object.fromEntries(metrics.map((name, at) => [name, whole[lossAt + 1 + at]!])),
      count: whole[countAt]!,
      checksum: whole[countAt + 1]!,
    }),
    account(accounting) {
      if (accounting.loss !== undefined) whole[lossAt] = accounting.loss;
      metrics.forEach((name, at) => {
        const sum = accounting.metrics?.[name];
        if (sum !== undefined) whole[lossAt + 1 + at] = sum;
      });
      if (accounting.count !== undefined) whole[countAt] = accounting.count;
      if (accounting.checksum !== undefined) whole[countAt + 1] = accounting.checksum;
    },
    placeOf,
  };
}

/**
 * Takes flat values for a gradient, after a look at their number.
 *
 * @param parameters elements that a gradient of the model has
 * @throws TrainingError INTERNAL when there are more or fewer
 */
export function asGradient(values: Float32Array, parameters: number): Gradient {
  if (values.length === parameters) return values as Gradient;
  throw new TrainingError(
    'INTERNAL',
    `a gradient of ${values.length} elements for ${parameters} parameters; a gradient has no accounting behind it, report this as a bug`,
  );
}
