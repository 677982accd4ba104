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
  /** Summed loss, in nats. */
  readonly loss: number;
  /** Correct answers; not always whole when samples are mixed. */
  readonly correct: number;
  /** Samples in the gradient. */
  readonly count: number;
  /** Their check digits, see `sampleChecksum`. */
  readonly checksum: number;
}

/** Where each number lies behind the gradient. */
const PLACES = { loss: 0, correct: 1, count: 2, checksum: 3 } as const;

/** Elements behind a gradient. */
export const ACCOUNTING_LENGTH = Object.keys(PLACES).length;

export interface GradientSum {
  /** [parameters + ACCOUNTING_LENGTH]: the gradient and its accounting, for the all-reduce alone. */
  readonly whole: Float32Array;
  /** [parameters]: the gradient, a view of the whole. */
  readonly gradient: Gradient;
  /** Reads the accounting. */
  readonly accounting: () => Accounting;
  /** Overwrites some of the accounting. */
  readonly account: (accounting: Partial<Accounting>) => void;
  /** Index in the whole where an engine writes one of the numbers. */
  readonly placeOf: (name: keyof Accounting) => number;
}

/** Elements of the whole for so many parameters. */
export function gradientSumLength(parameters: number): number {
  return parameters + ACCOUNTING_LENGTH;
}

/**
 * Lays a gradient and its accounting over a buffer.
 *
 * @param whole [parameters + ACCOUNTING_LENGTH], owned by the caller
 * @throws TrainingError INTERNAL when it has another length
 */
export function createGradientSum(whole: Float32Array, parameters: number): GradientSum {
  if (whole.length !== gradientSumLength(parameters)) {
    throw new TrainingError(
      'INTERNAL',
      `a buffer of ${whole.length} elements, expected ${gradientSumLength(parameters)}: ${parameters} parameters and ${ACCOUNTING_LENGTH} of accounting; report this as a bug`,
    );
  }
  const placeOf = (name: keyof Accounting): number => parameters + PLACES[name];
  return {
    whole,
    gradient: whole.subarray(0, parameters) as Gradient,
    accounting: () => ({
      loss: whole[placeOf('loss')]!,
      correct: whole[placeOf('correct')]!,
      count: whole[placeOf('count')]!,
      checksum: whole[placeOf('checksum')]!,
    }),
    account(accounting) {
      for (const name of Object.keys(accounting) as (keyof Accounting)[]) whole[placeOf(name)] = accounting[name]!;
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
