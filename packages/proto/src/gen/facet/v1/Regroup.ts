// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


/**
 * The generation is over. The worker abandons its step and answers Report.
 */
export interface Regroup {
  'generation'?: (number);
  'reason'?: (string);
}

/**
 * The generation is over. The worker abandons its step and answers Report.
 */
export interface Regroup__Output {
  'generation': (number);
  'reason': (string);
}
