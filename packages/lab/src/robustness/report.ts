/**
 * The report of `facet robustness`: the one document that is written as robustness.json and that pages are drawn from.
 * Accuracies are fractions of 1 over the same samples throughout. Plain data, no functions.
 */
import type { Norm } from '@facet/multiview/config';
import type { AttackMethod } from '@facet/multiview';

export interface RobustnessReport {
  /** Version of this shape. */
  readonly version: 1;
  readonly dataset: string;
  /** Test samples used, chosen by the seed. */
  readonly samples: number;
  readonly seed: number;
  /** `loss`: mean cross-entropy in nats. */
  readonly clean: { readonly accuracy: number; readonly loss: number };
  /** One entry for each attack and norm, in the order in which they ran. */
  readonly attacks: readonly AttackReport[];
  /** For each norm, the share of samples that every attack of it left correct. */
  readonly worstCase: readonly { readonly norm: Norm; readonly eps: number; readonly accuracy: number }[];
  readonly curves: readonly EpsCurve[];
  readonly checks: readonly SanityCheck[];
  /** null when corruptions were left out. */
  readonly corruptions: CorruptionsReport | null;
  readonly seconds: number;
}

export interface AttackReport {
  readonly name: string;
  readonly norm: Norm;
  /** In units of pixels in [0, 1]. */
  readonly eps: number;
  readonly method: AttackMethod;
  /** Share of samples that are still read correctly. */
  readonly accuracy: number;
  /** Mean over all samples of the most damaging margin found: best wrong logit minus the true one. */
  readonly meanMargin: number;
  readonly seconds: number;
}

/** Accuracy under PGD with the margin loss as the ball grows; the first point is the clean one, eps 0. */
export interface EpsCurve {
  readonly norm: Norm;
  readonly steps: number;
  readonly points: readonly { readonly eps: number; readonly accuracy: number }[];
}

/** What became of a check. */
export interface CheckOutcome {
  /** `skipped`: what the claim is about did not run, or there were too few samples for it to fail. */
  readonly verdict: 'pass' | 'fail' | 'skipped';
  /** The numbers behind the verdict, or why there is none. */
  readonly detail: string;
}

/** A claim that an honest evaluation fulfils (Athalye, Carlini and Wagner 2018; Carlini et al. 2019). */
export interface SanityCheck extends CheckOutcome {
  readonly name: string;
  /** null for a claim that is not about one norm. */
  readonly norm: Norm | null;
  readonly claim: string;
}

export interface CorruptionsReport {
  /** `generated` here, or the folder that published files were read from. */
  readonly source: string;
  readonly results: readonly {
    readonly name: string;
    /** One for each severity, the mildest first. */
    readonly accuracies: readonly number[];
  }[];
  /** The mean over corruptions of the mean over severities. */
  readonly meanAccuracy: number;
  /** 1 - meanAccuracy, not divided by the error of a reference model. */
  readonly meanError: number;
}
