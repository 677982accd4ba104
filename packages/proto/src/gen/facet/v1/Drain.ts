// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


/**
 * The generation ends after step `last_step`, which the worker still does; then it waits for Regroup. A worker that is
 * further ends after the step that it is at.
 */
export interface Drain {
  'generation'?: (number);
  'lastStep'?: (number);
  'reason'?: (string);
}

/**
 * The generation ends after step `last_step`, which the worker still does; then it waits for Regroup. A worker that is
 * further ends after the step that it is at.
 */
export interface Drain__Output {
  'generation': (number);
  'lastStep': (number);
  'reason': (string);
}
