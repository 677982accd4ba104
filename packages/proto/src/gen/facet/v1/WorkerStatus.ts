// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { StepTimings as _facet_v1_StepTimings, StepTimings__Output as _facet_v1_StepTimings__Output } from '../../facet/v1/StepTimings.js';

export interface WorkerStatus {
  'workerId'?: (string);
  'host'?: (string);
  'pid'?: (number);
  'isMember'?: (boolean);
  'rank'?: (number);
  'state'?: (string);
  'engine'?: (string);
  'device'?: (string);
  'samplesPerSecond'?: (number | string);
  'timings'?: (_facet_v1_StepTimings | null);
  'metricsUrl'?: (string);
  /**
   * Of its own samples in its last step, see StepDone.
   */
  'localGradientNorm'?: (number | string);
  'localLoss'?: (number | string);
  /**
   * One sentence if its gradients or losses lie far from the others'; empty while they do not.
   */
  'outlier'?: (string);
}

export interface WorkerStatus__Output {
  'workerId': (string);
  'host': (string);
  'pid': (number);
  'isMember': (boolean);
  'rank': (number);
  'state': (string);
  'engine': (string);
  'device': (string);
  'samplesPerSecond': (number);
  'timings': (_facet_v1_StepTimings__Output | null);
  'metricsUrl': (string);
  /**
   * Of its own samples in its last step, see StepDone.
   */
  'localGradientNorm': (number);
  'localLoss': (number);
  /**
   * One sentence if its gradients or losses lie far from the others'; empty while they do not.
   */
  'outlier': (string);
}
