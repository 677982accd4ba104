// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


/**
 * Ends the stream: the worker must not come back with the same code and configuration.
 */
export interface Refusal {
  'code'?: (string);
  'message'?: (string);
}

/**
 * Ends the stream: the worker must not come back with the same code and configuration.
 */
export interface Refusal__Output {
  'code': (string);
  'message': (string);
}
