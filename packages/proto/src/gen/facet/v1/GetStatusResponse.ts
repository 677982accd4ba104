// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { WorkerStatus as _facet_v1_WorkerStatus, WorkerStatus__Output as _facet_v1_WorkerStatus__Output } from '../../facet/v1/WorkerStatus.js';

export interface GetStatusResponse {
  'run'?: (string);
  /**
   * gathering, forming, training, evaluating, regrouping, stopping, finished, stopped or failed.
   */
  'phase'?: (string);
  'detail'?: (string);
  'generation'?: (number);
  'step'?: (number);
  'totalSteps'?: (number);
  'epoch'?: (number);
  'epochs'?: (number);
  'loss'?: (number | string);
  'trainAccuracy'?: (number | string);
  'hasTestAccuracy'?: (boolean);
  'testAccuracy'?: (number | string);
  'samplesPerSecond'?: (number | string);
  'etaSeconds'?: (number | string);
  'checkpointStep'?: (number);
  'faults'?: (number);
  'workers'?: (_facet_v1_WorkerStatus)[];
  'dataset'?: (string);
  'lastFault'?: (string);
  /**
   * What it means that workers of this run compute with different engines or devices; empty while they do not.
   */
  'mixedEngines'?: (string);
  /**
   * A run evaluates the test split or the images that it holds out; the other one has no accuracy.
   */
  'hasHeldOutAccuracy'?: (boolean);
  'heldOutAccuracy'?: (number | string);
  /**
   * Answers that are no classes are not right or wrong.
   */
  'hasTrainAccuracy'?: (boolean);
  /**
   * Why the newest checkpoint could not be written; empty when it was, or none was due yet.
   */
  'checkpointFailure'?: (string);
  /**
   * One sentence about each member that all others wait for; empty while there is none.
   */
  'stragglers'?: (string);
  /**
   * The last evaluation, of the split that the run evaluates: mean loss, and the task's own figures.
   */
  'hasEvaluation'?: (boolean);
  'evaluationLoss'?: (number | string);
  'evaluationMetrics'?: ({[key: string]: number | string});
  /**
   * One sentence about each member whose gradients or losses lie far from the others', and one if what members say of their
   * gradients cannot be true; empty while there is none.
   */
  'outliers'?: (string);
}

export interface GetStatusResponse__Output {
  'run': (string);
  /**
   * gathering, forming, training, evaluating, regrouping, stopping, finished, stopped or failed.
   */
  'phase': (string);
  'detail': (string);
  'generation': (number);
  'step': (number);
  'totalSteps': (number);
  'epoch': (number);
  'epochs': (number);
  'loss': (number);
  'trainAccuracy': (number);
  'hasTestAccuracy': (boolean);
  'testAccuracy': (number);
  'samplesPerSecond': (number);
  'etaSeconds': (number);
  'checkpointStep': (number);
  'faults': (number);
  'workers': (_facet_v1_WorkerStatus__Output)[];
  'dataset': (string);
  'lastFault': (string);
  /**
   * What it means that workers of this run compute with different engines or devices; empty while they do not.
   */
  'mixedEngines': (string);
  /**
   * A run evaluates the test split or the images that it holds out; the other one has no accuracy.
   */
  'hasHeldOutAccuracy': (boolean);
  'heldOutAccuracy': (number);
  /**
   * Answers that are no classes are not right or wrong.
   */
  'hasTrainAccuracy': (boolean);
  /**
   * Why the newest checkpoint could not be written; empty when it was, or none was due yet.
   */
  'checkpointFailure': (string);
  /**
   * One sentence about each member that all others wait for; empty while there is none.
   */
  'stragglers': (string);
  /**
   * The last evaluation, of the split that the run evaluates: mean loss, and the task's own figures.
   */
  'hasEvaluation': (boolean);
  'evaluationLoss': (number);
  'evaluationMetrics': ({[key: string]: number});
  /**
   * One sentence about each member whose gradients or losses lie far from the others', and one if what members say of their
   * gradients cannot be true; empty while there is none.
   */
  'outliers': (string);
}
