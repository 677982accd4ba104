/**
 * The document of `facet evaluate` for a task of the user's own: what evaluation.json holds and what its page is drawn from.
 * Plain data; accuracies are fractions of 1.
 */
import type { TaskEvaluation } from '../evaluation/evaluate-task.js';
import type { EvaluatedCheckpointFacts } from './evaluation-document.js';

export interface TaskEvaluationDocument extends TaskEvaluation, EvaluatedCheckpointFacts {}
