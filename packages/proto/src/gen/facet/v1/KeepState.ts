// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


/**
 * The worker keeps a copy of its state after a step that it has not done yet: the coordinator is going to pull it.
 */
export interface KeepState {
  'generation'?: (number);
  'step'?: (number);
}

/**
 * The worker keeps a copy of its state after a step that it has not done yet: the coordinator is going to pull it.
 */
export interface KeepState__Output {
  'generation': (number);
  'step': (number);
}
