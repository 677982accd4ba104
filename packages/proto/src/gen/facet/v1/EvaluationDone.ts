// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { EvaluationPart as _facet_v1_EvaluationPart, EvaluationPart__Output as _facet_v1_EvaluationPart__Output } from '../../facet/v1/EvaluationPart.js';

/**
 * A worker's part of an evaluation: exact counts, and one loss per micro-batch so that the sum has one order.
 */
export interface EvaluationDone {
  'generation'?: (number);
  'step'?: (number);
  'parts'?: (_facet_v1_EvaluationPart)[];
  /**
   * [classes * classes], row = true class, column = answer; none where answers are no classes.
   */
  'confusion'?: (number)[];
}

/**
 * A worker's part of an evaluation: exact counts, and one loss per micro-batch so that the sum has one order.
 */
export interface EvaluationDone__Output {
  'generation': (number);
  'step': (number);
  'parts': (_facet_v1_EvaluationPart__Output)[];
  /**
   * [classes * classes], row = true class, column = answer; none where answers are no classes.
   */
  'confusion': (number)[];
}
