// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/collective.proto


export interface StateHeader {
  'step'?: (number);
  'parameters'?: (number);
  /**
   * As the holder noted it after the step: of the weights, and of their average when the run keeps one.
   */
  'weightsCrc'?: (number);
  /**
   * Of the first moments, then of the second.
   */
  'momentsCrc'?: (number);
}

export interface StateHeader__Output {
  'step': (number);
  'parameters': (number);
  /**
   * As the holder noted it after the step: of the weights, and of their average when the run keeps one.
   */
  'weightsCrc': (number);
  /**
   * Of the first moments, then of the second.
   */
  'momentsCrc': (number);
}
