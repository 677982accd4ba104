/**
 * The document of `facet evaluate` for a task of the user's own: what evaluation.json holds and what its page is drawn from.
 * Plain data; accuracies are fractions of 1.
 */
import type { EvaluatedWeights, RunConfig } from '@facet/shared';
import type { TaskEvaluation } from '../evaluation/evaluate-task.js';
import type { TrainingCurve } from '../evaluation/training-curve.js';
import type { ReportOrigin } from '../trained/report-origin.js';
import type { CheckpointName } from './evaluation-document.js';

export interface TaskEvaluationDocument extends TaskEvaluation, CheckpointName, ReportOrigin {
  /** Version of this shape. */
  readonly version: 1;
  readonly evaluatedWeights: EvaluatedWeights;
  /** Name of the dataset, or of the task where it brings its own samples. */
  readonly dataset: string;
  /** Names in label order; empty where answers are no classes. */
  readonly classes: readonly string[];
  readonly split: RunConfig['evaluation'];
  /** null for a checkpoint that stands alone. */
  readonly training: TrainingCurve | null;
}
