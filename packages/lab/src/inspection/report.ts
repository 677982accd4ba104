/**
 * What an inspection found: the part of evaluation.json that says what the model looks at. Plain data, no functions; shares
 * and attention are fractions of 1.
 */
import type { Correspondence } from './correspondence.js';

export interface InspectionReport {
  /** Tokens along one side of an image, row by row in every map; and pixels from one to the next. */
  readonly side: number;
  readonly tokenPixels: number;
  /** What the last block attends to: the image's own tokens and, with cross-view attention, those of each view. */
  readonly seen: readonly string[];
  /** Names of the views; none for a model without. */
  readonly views: readonly string[];
  /** a_i, [block][view]: how much each block that sees views makes of each. */
  readonly viewWeights: readonly (readonly number[])[];
  readonly correspondence: CorrespondenceReport;
  /** First samples that were read correctly, then wrong ones. */
  readonly samples: readonly InspectedSample[];
}

export interface CorrespondenceReport {
  /** Images that the scores are means over: the first ones of the split. */
  readonly images: number;
  /** k: so many places count for each place that looks. */
  readonly topCount: number;
  readonly scores: readonly CorrespondenceScore[];
}

export interface CorrespondenceScore extends Correspondence {
  /** Two readings of one image: in place and through a view, or by two checkpoints. */
  readonly kind: 'view' | 'checkpoint';
  /** The view, or the run and step of the other checkpoint. */
  readonly name: string;
}

export interface InspectedSample {
  /** Its id in the split. */
  readonly sample: number;
  /** True class. */
  readonly truth: number;
  /** The class that the model took it for. */
  readonly answer: number;
  /** Probability of the answer. */
  readonly confidence: number;
  /** The share of each token in what is classified, [token]. */
  readonly pooling: readonly number[];
  /**
   * Where each head of the last block looks: its attention, averaged over the tokens that look by their shares, [head][seen]
   * [token]. The shares of a head add up to 1.
   */
  readonly heads: readonly (readonly (readonly number[])[])[];
}
