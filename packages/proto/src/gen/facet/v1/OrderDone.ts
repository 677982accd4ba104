// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


export interface OrderDone {
  /**
   * For people.
   */
  'message'?: (string);
  /**
   * Of the checkpoint that was taken; otherwise the last committed step.
   */
  'step'?: (number);
}

export interface OrderDone__Output {
  /**
   * For people.
   */
  'message': (string);
  /**
   * Of the checkpoint that was taken; otherwise the last committed step.
   */
  'step': (number);
}
