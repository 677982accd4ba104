/**
 * The document of `facet evaluate`: what evaluation.json holds and what its page is drawn from. Plain data; accuracies are
 * fractions of 1.
 */
import type { EvaluatedWeights, RunConfig } from '@facet/shared';
import type { Evaluation } from '../evaluation/evaluate-weights.js';
import type { InspectionReport } from '../inspection/report.js';
import type { ReportOrigin } from '../trained/report-origin.js';
import type { TrainingCurve } from '../evaluation/training-curve.js';
import type { PixelImage } from './kit/png-uri.js';

/** A checkpoint by everything that it is known by. */
export interface CheckpointName {
  readonly run: string;
  readonly step: number;
  /** Path of its folder. */
  readonly checkpoint: string;
  readonly weightsSha256: string;
}

/** What the documents of all evaluations share. */
export interface EvaluatedCheckpointFacts extends CheckpointName, ReportOrigin {
  /** Version of this shape. */
  readonly version: 1;
  /** Their moving average, or the last ones. */
  readonly evaluatedWeights: EvaluatedWeights;
  /** Name of the dataset, or of the task where it brings its own samples. */
  readonly dataset: string;
  /** Names in label order; empty where answers are no classes. */
  readonly classes: readonly string[];
  readonly split: RunConfig['evaluation'];
  /** null for a checkpoint that stands alone. */
  readonly training: TrainingCurve | null;
}

export interface EvaluationDocument extends Evaluation, EvaluatedCheckpointFacts {
  /** null where the model could not be inspected. */
  readonly inspection: InspectionReport | null;
  /** The checkpoint whose attention was compared; null when none was named. */
  readonly compared: CheckpointName | null;
}

/** The pictures that the page shows beside the numbers. */
export interface EvaluationPictures {
  /** One for each of the document's worst mistakes. */
  readonly mistakes: readonly PixelImage[];
  /** For each inspected sample the image, and what each view shows of it. */
  readonly samples: readonly { readonly image: PixelImage; readonly views: readonly PixelImage[] }[];
}
