// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { StepDone as _facet_v1_StepDone, StepDone__Output as _facet_v1_StepDone__Output } from '../../facet/v1/StepDone.js';

/**
 * What a worker holds. recent has its last steps, oldest first, so that a coordinator that missed them can commit them.
 */
export interface Report {
  /**
   * The generation that the worker has left; 0 when it was in none.
   */
  'generation'?: (number);
  'hasState'?: (boolean);
  'appliedStep'?: (number);
  'weightsCrc'?: (number);
  'recent'?: (_facet_v1_StepDone)[];
}

/**
 * What a worker holds. recent has its last steps, oldest first, so that a coordinator that missed them can commit them.
 */
export interface Report__Output {
  /**
   * The generation that the worker has left; 0 when it was in none.
   */
  'generation': (number);
  'hasState': (boolean);
  'appliedStep': (number);
  'weightsCrc': (number);
  'recent': (_facet_v1_StepDone__Output)[];
}
